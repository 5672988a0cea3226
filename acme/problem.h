// What a certificate authority refuses, and what an admin does about it: problem documents
// (RFC 7807, RFC 8555 section 6.7) in words. Never trusts their text: it is made printable.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/http_call.h"

namespace acme {

/// How a name is proved.
enum class ChallengeType { Http01, TlsAlpn01, Dns01 };

/// "http-01", "tls-alpn-01", "dns-01".
std::string_view nameOf(ChallengeType type);
std::optional<ChallengeType> parseChallengeType(std::string_view name);

struct Problem {
    int status = 0;      ///< of HTTP; 0 where it came within an answer
    std::string type;    ///< without its urn:ietf:params:acme:error: ; empty where it has none
    std::string detail;  ///< one printable line
    std::string name;    ///< the identifier it is about, where it says
};

/// Of an answer with an error status: what it says, or that it says nothing.
Problem problemOf(const gateway::HttpAnswer& answer);

/// Of an "error" within an answer; where it has subproblems, the first of them, which is the more
/// precise one.
Problem problemOf(const nlohmann::json& error);

/// Why no certificate came, for the admin.
struct Failure {
    std::string text;    ///< what happened
    std::string advice;  ///< what to do
    /// Not to be tried again before: what the authority said, exactly.
    std::optional<gateway::WallTime> notBefore;
};

/// What the words are about.
struct Circumstances {
    ChallengeType challenge = ChallengeType::Http01;
    std::string authority;                   ///< host of the directory
    std::string profile;                     ///< asked for
    std::vector<std::string> caaIdentities;  ///< what the authority is called in CAA records
};

/// "a, b, c": as many as a sentence can bear.
std::string shortList(const std::vector<std::string>& words);

/// For what an authority does against its own rules.
Failure withoutEnd(std::string text);

Failure describe(const Problem& problem, const Circumstances& circumstances);

}  // namespace acme
