#include "gateway/alert_webhook.h"

#include <array>
#include <nlohmann/json.hpp>

#include "crypto/base64.h"
#include "crypto/primitives.h"
#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"

namespace gateway {

namespace {

constexpr std::size_t kLargestSecret = 4096;
constexpr std::size_t kLeastSecret = 16;
constexpr std::string_view kPrefix = "whsec_";
/// A receiver that takes longer to say that it has it is tried again.
constexpr std::chrono::seconds kPatience{10};
constexpr std::size_t kMostAnswer = std::size_t{16} * 1024;

}  // namespace

std::optional<crypto::SecretBuffer> readWebhookSecret(const Config& config) {
    const std::filesystem::path& file = config.alerts.webhookSecretFile;
    if (file.empty()) {
        return std::nullopt;
    }
    std::string text = readWhole(file, kLargestSecret);
    const std::string_view line = trimmed(std::string_view(text).substr(0, text.find('\n')));
    auto secret = line.starts_with(kPrefix)
                      ? crypto::decodeSecretBase64(line.substr(kPrefix.size()))
                      : std::make_optional<crypto::SecretBuffer>(octetsOf(line));
    crypto::wipe(std::span<char>(text));
    if (!secret || secret->size() < kLeastSecret) {
        throw Error(Error::Kind::Config,
                    "read " + file.native() + ": it holds no secret of at least " +
                        std::to_string(kLeastSecret) +
                        " octets; write one, for instance by `openssl rand -hex 32`");
    }
    return secret;
}

std::string signatureOf(const crypto::SecretBuffer& secret, std::string_view id,
                        std::string_view timestamp, std::string_view body) {
    std::array<std::byte, 32> mac{};
    crypto::hmacSha256(
        secret.view(),
        {octetsOf(id), octetsOf("."), octetsOf(timestamp), octetsOf("."), octetsOf(body)}, mac);
    return "v1," + crypto::encodeBase64(mac);
}

HttpCall callOf(const Config& config, const Alerts::Notice& notice, WallTime now) {
    nlohmann::json body = notice.body;
    body["hostname"] = config.hostname;
    body["domain"] = config.domain;
    body["at"] = formatTimestamp(now);
    HttpCall call;
    call.method = "POST";
    call.url = config.alerts.webhook;
    call.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    call.caFile = config.alerts.webhookCaFile;
    call.mostBody = kMostAnswer;
    call.time = kPatience;
    const std::string timestamp = std::to_string(
        std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
    call.headers = {{"Content-Type", "application/json"},
                    {"webhook-id", notice.id},
                    {"webhook-timestamp", timestamp}};
    if (const auto secret = readWebhookSecret(config)) {
        call.headers.emplace_back("webhook-signature",
                                  signatureOf(*secret, notice.id, timestamp, call.body));
    }
    return call;
}

bool wasTaken(const HttpAnswer& answer) { return answer.status >= 200 && answer.status < 300; }

std::string whyNotTaken(const HttpAnswer& answer) {
    using Trouble = HttpAnswer::Trouble;
    if (answer.status != 0) {
        return "the receiver answered with the status " + std::to_string(answer.status);
    }
    switch (answer.trouble) {
        case Trouble::Unresolved:
            return "the receiver's host has no address";
        case Trouble::Unreachable:
            return "nobody accepts a connection there";
        case Trouble::Tls:
            return "the receiver's certificate proves nothing; alerts.webhook_ca_file names "
                   "another authority";
        case Trouble::TimedOut:
            return "the receiver did not answer within " + std::to_string(kPatience.count()) + " s";
        case Trouble::Stopped:
            return "the server is stopping";
        default:
            return "the receiver's answer was no HTTP";
    }
}

}  // namespace gateway
