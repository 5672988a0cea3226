// A notice of an alert as the HTTP call that tells it: JSON, signed as the Standard Webhooks
// specification says, so that libraries of many languages verify it. Never shows the webhook's
// address or secret to a log: who knows them may post there, or pass for us.
#pragma once

#include <optional>
#include <string>

#include "crypto/secret.h"
#include "gateway/base/http_call.h"
#include "gateway/config.h"
#include "gateway/watch/alerts.h"

namespace gateway {

/// What alerts.webhook_secret_file holds: "whsec_" and base64, else the octets of its first line.
/// Nothing where none is configured. Blocking. Throws Error where it cannot be read, or has less
/// than 16 octets.
std::optional<crypto::SecretBuffer> readWebhookSecret(const Config& config);

/// webhook-signature: "v1," and the base64 of HMAC-SHA256 over `id`.`timestamp`.`body`.
std::string signatureOf(const crypto::SecretBuffer& secret, std::string_view id,
                        std::string_view timestamp, std::string_view body);

/// Blocking. Throws as readWebhookSecret().
HttpCall callOf(const Config& config, const Alerts::Notice& notice, WallTime now);

/// Whether the receiver has it: what it goes on to say is nobody's matter.
bool wasTaken(const HttpAnswer& answer);
/// Why it was not, in words that do not name the receiver.
std::string whyNotTaken(const HttpAnswer& answer);

}  // namespace gateway
