#include "acme/conversation.h"

#include <algorithm>
#include <array>

#include "acme/challenge.h"
#include "acme/json_fields.h"
#include "acme/retry_after.h"
#include "gateway/base/text.h"

namespace acme {

namespace {

using gateway::HttpAnswer;
using gateway::HttpCall;
using gateway::WallTime;
using nlohmann::json;
using namespace std::chrono_literals;

constexpr std::size_t kLongestUrl = 2048;
constexpr std::chrono::seconds kLimitUnsaid{3600};  ///< where a rate limit does not say how long
constexpr std::array<std::chrono::seconds, 2> kPauses{2s, 8s};

bool isRateLimit(const HttpAnswer& answer) {
    return answer.status == 429 || problemOf(answer).type == "rateLimited";
}

/// What an admin may be told to write into DNS (RFC 8555 section 7.1.1).
bool isHost(std::string_view name) {
    return !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.';
    });
}

Failure failureOf(const HttpAnswer& answer, const Circumstances& about) {
    Failure failure;
    const std::string host = about.authority;
    failure.text = host + " cannot be asked: " + gateway::printable(answer.cause);
    switch (answer.trouble) {
        case HttpAnswer::Trouble::Unresolved:
            failure.advice =
                "see that this server resolves names (/etc/resolv.conf), and that "
                "acme.directory is right";
            break;
        case HttpAnswer::Trouble::Tls:
            failure.advice =
                "see that the clock is right and ca-certificates is installed; for an "
                "authority of your own write its root in acme.ca_file";
            break;
        default:
            failure.advice = "see that this server may connect to " + host +
                             " at port 443; it is tried again by itself";
    }
    return failure;
}

}  // namespace

bool isSecureUrl(std::string_view url) {
    return url.starts_with("https://") && url.size() <= kLongestUrl &&
           std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

std::string hostOf(std::string_view url) {
    const std::size_t scheme = url.find("://");
    if (scheme != std::string_view::npos) {
        url.remove_prefix(scheme + 3);
    }
    return std::string(url.substr(0, url.find('/')));
}

std::optional<Directory> Directory::parse(const std::string& body) {
    const json document = parsed(body);
    if (!document.is_object()) {
        return std::nullopt;
    }
    Directory directory;
    const auto address = [&](const char* name) { return textIn(document, name).value_or(""); };
    directory.newNonce = address("newNonce");
    directory.newAccount = address("newAccount");
    directory.newOrder = address("newOrder");
    directory.revokeCert = address("revokeCert");
    directory.renewalInfo = address("renewalInfo");
    for (const std::string* needed :
         {&directory.newNonce, &directory.newAccount, &directory.newOrder}) {
        if (!isSecureUrl(*needed)) {
            return std::nullopt;
        }
    }
    for (std::string* const offered : {&directory.revokeCert, &directory.renewalInfo}) {
        if (!isSecureUrl(*offered)) {
            offered->clear();
        }
    }
    const json meta = objectIn(document, "meta");
    directory.terms = gateway::printable(textIn(meta, "termsOfService").value_or(""));
    directory.caaIdentities = textsIn(meta, "caaIdentities");
    std::erase_if(directory.caaIdentities, [](const std::string& name) { return !isHost(name); });
    directory.needsBinding = isTrue(meta, "externalAccountRequired");
    const json profiles = objectIn(meta, "profiles");
    for (const auto& [name, description] : profiles.items()) {
        directory.profiles.push_back(gateway::printable(name, 60));
    }
    return directory;
}

Conversation::Conversation(std::string directoryUrl, const AccountKey& key)
    : m_directoryUrl(std::move(directoryUrl)), m_key(key) {
    m_circumstances.authority = hostOf(m_directoryUrl);
}

void Conversation::setCircumstances(ChallengeType challenge, std::string profile) {
    m_circumstances.challenge = challenge;
    m_circumstances.profile = std::move(profile);
}

void Conversation::start() { post("", ""); }

void Conversation::post(std::string url, std::string payload, Signer signer) {
    m_url = std::move(url);
    m_payload = std::move(payload);
    m_signer = signer;
    m_badNonces = 0;
    m_tries = 0;
}

HttpCall Conversation::next() {
    ++m_requests;
    HttpCall call;
    if (!m_known || m_url.empty()) {
        m_sent = Sent::Directory;
        call.url = m_directoryUrl;
    } else if (m_nonces.empty()) {
        m_sent = Sent::Nonce;
        call.method = "HEAD";
        call.url = m_directory.newNonce;
    } else {
        m_sent = Sent::Request;
        call = signedRequest();
    }
    return call;
}

HttpCall Conversation::signedRequest() {
    json header{{"nonce", std::move(m_nonces.back())}, {"url", m_url}};
    m_nonces.pop_back();
    if (m_signer == Signer::Account) {
        header["kid"] = m_account;
    } else {
        header["jwk"] = json::parse(m_key.jwk());
    }
    HttpCall call;
    call.method = "POST";
    call.url = m_url;
    call.headers = {{"Content-Type", "application/jose+json"}};
    call.body = m_key.sign(std::move(header), m_payload);
    return call;
}

Conversation::Progress Conversation::take(HttpAnswer answer, WallTime now) {
    m_answer = std::move(answer);
    if (m_answer.trouble != HttpAnswer::Trouble::None || m_answer.status >= 500) {
        return afterTrouble(now);
    }
    keepNonce(m_answer);
    if (isRateLimit(m_answer)) {
        Failure limited = describe(problemOf(m_answer), m_circumstances);
        limited.advice = describe({429, "rateLimited", "", ""}, m_circumstances).advice;
        limited.notBefore = now + retryAfter(m_answer, now).value_or(kLimitUnsaid);
        return fail(std::move(limited));
    }
    switch (m_sent) {
        case Sent::Directory:
            return takeDirectory();
        case Sent::Nonce:
            if (m_nonces.empty()) {
                return fail({m_circumstances.authority + " gives no nonce (RFC 8555 section 7.2)",
                             "see that acme.directory names a directory of ACME",
                             {}});
            }
            return Progress::Again;
        case Sent::Request:
            break;
    }
    return takeRequest();
}

Conversation::Progress Conversation::takeDirectory() {
    auto directory = m_answer.status == 200 ? Directory::parse(m_answer.body) : std::nullopt;
    if (!directory) {
        return fail({m_directoryUrl + " is no directory of ACME (HTTP status " +
                         std::to_string(m_answer.status) + ')',
                     "correct acme.directory; it often ends in /directory",
                     {}});
    }
    m_directory = *directory;
    m_known = std::move(directory);
    m_circumstances.caaIdentities = m_directory.caaIdentities;
    m_tries = 0;
    return m_url.empty() ? Progress::Answered : Progress::Again;
}

Conversation::Progress Conversation::takeRequest() {
    // RFC 8555 section 6.5: the refusal itself brings the next nonce.
    if (m_answer.status == 400 && problemOf(m_answer).type == "badNonce") {
        if (++m_badNonces > kMostBadNonces) {
            return fail({m_circumstances.authority + " refused " +
                             std::to_string(kMostBadNonces + 1) + " of its own nonces",
                         "nothing to do unless it lasts: renewals are tried again by themselves",
                         {}});
        }
        return Progress::Again;
    }
    return Progress::Answered;
}

Conversation::Progress Conversation::afterTrouble(WallTime now) {
    const bool silent = m_answer.trouble != HttpAnswer::Trouble::None;
    Failure failure = silent ? failureOf(m_answer, m_circumstances)
                             : describe(problemOf(m_answer), m_circumstances);
    const auto asked = silent ? std::nullopt : retryAfter(m_answer, now);
    if (asked && *asked > kMostPause) {
        failure.notBefore = now + *asked;
    } else if (++m_tries < kMostTries && m_answer.trouble != HttpAnswer::Trouble::Stopped) {
        m_pause = asked.value_or(kPauses[static_cast<std::size_t>(m_tries - 1)]);
        return Progress::Pause;
    }
    return fail(std::move(failure));
}

Conversation::Progress Conversation::fail(Failure failure) {
    m_failure = std::move(failure);
    return Progress::Failed;
}

void Conversation::keepNonce(const HttpAnswer& answer) {
    // RFC 8555 section 6.5.1: base64url. The newest is used first; old ones expire.
    const auto nonce = answer.header("Replay-Nonce");
    if (nonce && isToken(*nonce)) {
        m_nonces.emplace_back(*nonce);
        if (m_nonces.size() > kMostNonces) {
            m_nonces.erase(m_nonces.begin());
        }
    }
}

}  // namespace acme
