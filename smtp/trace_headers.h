// The three header fields put before a message: Return-Path, Delivered-To, Received
// (RFC 5321 4.4, RFC 3848). Never lets a peer's bytes break a line or exceed 998 octets of one.
#pragma once

#include <string>

#include "gateway/base/clock.h"
#include "gateway/mail/message_id.h"
#include "smtp/session.h"

namespace smtp {

/// For the copy of one recipient, every line ended by CRLF. `for` is named only where the
/// transaction has one recipient: copies of others must not learn of each other (RFC 5321 7.2).
std::string traceHeaders(const Session& session, const Options& options, const std::string& peer,
                         const Envelope::To& to, const gateway::MessageId& id,
                         gateway::WallTime now);

}  // namespace smtp
