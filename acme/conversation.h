// One signed request to a certificate authority after another: directory, nonces, and what is tried
// again by itself. Sans-IO: it says what to send and is given what was answered; never sends
// anything, never asks the clock. RFC 8555 sections 6 and 7.1.1.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "acme/jws.h"
#include "acme/problem.h"
#include "gateway/base/clock.h"
#include "gateway/base/http_call.h"

namespace acme {

/// Where an authority answers what, and what it offers (RFC 8555 section 7.1.1).
struct Directory {
    std::string newNonce;
    std::string newAccount;
    std::string newOrder;
    std::string revokeCert;   ///< empty where it offers none, as those below
    std::string renewalInfo;  ///< RFC 9773
    std::string terms;
    std::vector<std::string> profiles;
    std::vector<std::string> caaIdentities;
    bool needsBinding = false;  ///< external account binding

    /// Nothing where it is no directory, or an address in it is not https.
    static std::optional<Directory> parse(const std::string& body);
};

/// https, printable, of bounded length: all that an address from a server may be.
bool isSecureUrl(std::string_view url);

/// "acme-v02.api.letsencrypt.org" of a URL.
std::string hostOf(std::string_view url);

class Conversation {
public:
    enum class Signer { Account, Key };  ///< "kid" or "jwk" (RFC 8555 section 6.2)

    /// What became of an answer.
    enum class Progress {
        Again,     ///< send next() now
        Pause,     ///< wait for pause(), then send next()
        Answered,  ///< answer() holds it, whatever its status below 500
        Failed     ///< failure() says why
    };

    /// `key` must outlive it.
    Conversation(std::string directoryUrl, const AccountKey& key);

    void setAccount(std::string url) { m_account = std::move(url); }
    const std::string& account() const { return m_account; }
    const AccountKey& key() const { return m_key; }
    void setCircumstances(ChallengeType challenge, std::string profile);
    const Circumstances& circumstances() const { return m_circumstances; }

    /// To read the directory, and nothing more.
    void start();
    /// To post `payload`; an empty one is POST-as-GET (RFC 8555 section 6.3).
    void post(std::string url, std::string payload, Signer signer = Signer::Account);

    /// What to send now: the request, or what must come before it.
    gateway::HttpCall next();
    Progress take(gateway::HttpAnswer answer, gateway::WallTime now);

    std::chrono::seconds pause() const { return m_pause; }
    const gateway::HttpAnswer& answer() const { return m_answer; }
    const Failure& failure() const { return m_failure; }
    /// Once an answer came; before, its addresses are empty.
    const Directory& directory() const { return m_directory; }
    /// Requests in all.
    std::size_t requests() const { return m_requests; }

    /// Of one request. An authority that refuses every second one, as the tests' does, must not be
    /// given up by bad luck; a try costs one small answer.
    static constexpr int kMostBadNonces = 32;
    static constexpr int kMostTries = 3;  ///< of one request, where the authority is in trouble
    static constexpr std::size_t kMostNonces = 8;
    /// An authority that says to wait longer is asked again in a later attempt.
    static constexpr std::chrono::seconds kMostPause{60};

private:
    enum class Sent { Directory, Nonce, Request };

    void keepNonce(const gateway::HttpAnswer& answer);
    Progress takeDirectory();
    Progress takeRequest();
    Progress afterTrouble(gateway::WallTime now);
    Progress fail(Failure failure);
    gateway::HttpCall signedRequest();

    std::string m_directoryUrl;
    const AccountKey& m_key;
    std::string m_account;
    Circumstances m_circumstances;
    std::optional<Directory> m_known;
    Directory m_directory;
    std::vector<std::string> m_nonces;

    std::string m_url;  ///< of the request; empty where only the directory is wanted
    std::string m_payload;
    Signer m_signer = Signer::Account;
    Sent m_sent = Sent::Directory;
    int m_badNonces = 0;
    int m_tries = 0;
    std::size_t m_requests = 0;

    std::chrono::seconds m_pause{0};
    gateway::HttpAnswer m_answer;
    Failure m_failure;
};

}  // namespace acme
