// An order of one certificate from its directory to its chain (RFC 8555 section 7): where it
// stands, and what is to be done next. Sans-IO: it is given answers, presents challenges through
// its caller, and counts everything that could go on without end.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "acme/conversation.h"
#include "crypto/secret.h"

namespace acme {

/// What an authority knows of us.
struct Account {
    std::string url;  ///< empty where it is not known
    bool keyIsNew = false;
    std::string contact;  ///< as it was told last
};

/// What registers an account. `bindingKey` is empty where there is none.
struct Registration {
    std::string contact;  ///< "mailto:…"; empty for none
    std::string bindingKeyId;
    crypto::SecretBuffer bindingKey;
};

struct Wish {
    std::vector<std::string> names;
    ChallengeType challenge = ChallengeType::Http01;
    std::string profile;   ///< empty for the authority's default
    std::string request;   ///< PKCS #10, DER
    std::string replaces;  ///< the id of the certificate to be replaced (RFC 9773); or empty
    std::string order;     ///< the address of one to go on with, made by that account; or empty
};

/// What proves one name.
struct Proof {
    std::string name;  ///< without "*."
    std::string token;
    std::string keyAuthorization;
    std::string url;  ///< where to say that it may be looked at
};

/// What dns-01 wants in the TXT record of _acme-challenge.<name> (RFC 8555 section 8.4).
std::string dnsValueOf(const Proof& proof);

class Order {
public:
    enum class Then {
        Send,     ///< call(), then take() what was answered
        Wait,     ///< pause(), then go on
        Present,  ///< make proofs() visible, then presented()
        Finished,
        Failed
    };

    /// `conversation` and `registration` must outlive it; wish.names is not empty.
    Order(Conversation& conversation, Account account, const Registration& registration, Wish wish);

    Then next() const { return m_then; }
    gateway::HttpCall call() { return m_conversation.next(); }
    void take(gateway::HttpAnswer answer, gateway::WallTime now);
    std::chrono::seconds pause() const { return m_pause; }
    void waited();
    const std::vector<Proof>& proofs() const { return m_proofs; }
    void presented();

    /// Once Finished: PEM, the server's own first.
    const std::string& chain() const { return m_chain; }
    /// Once Failed.
    const Failure& failure() const { return m_failure; }
    /// Once Failed: nothing is left of the one to go on with; another one is to be made.
    bool isGone() const { return m_isGone; }
    /// Once Failed: the order was not judged; it may be gone on with later.
    bool goesOn() const { return m_goesOn && !m_order.empty(); }
    /// Its address at the authority; empty until it was made, or found again.
    const std::string& url() const { return m_order; }

    /// What is known now; changes as soon as an account was found, made, or told a contact.
    const Account& account() const { return m_account; }
    /// Whether this order made an account.
    bool registered() const { return m_registered; }

    static constexpr int kMostPolls = 80;      ///< of one thing
    static constexpr int kMostDownloads = 10;  ///< tries
    static constexpr int kMostFinalizes = 3;
    static constexpr std::size_t kMostRequests = 400;
    /// Nobody is asked to wait longer within one order.
    static constexpr std::chrono::seconds kMostPause{3600};

private:
    enum class Stage {
        Directory,
        FindAccount,
        MakeAccount,
        TellContact,
        NewOrder,
        TakeUp,
        ReadAuthorization,
        Respond,
        PollAuthorization,
        Finalize,
        PollOrder,
        Download
    };

    void advance(gateway::WallTime now);
    void afterDirectory();
    void afterAccount();
    void afterContact();
    void afterNewOrder(gateway::WallTime now);
    void afterTakeUp(gateway::WallTime now);
    void afterReadAuthorization();
    void afterRespond();
    void afterPollAuthorization(gateway::WallTime now);
    void afterFinalize(gateway::WallTime now);
    void afterOrder(gateway::WallTime now);
    void afterDownload(gateway::WallTime now);

    void findAccount();
    void makeAccount();
    void beginOrder();
    /// False where that is no order.
    bool enter(const std::string& url, const nlohmann::json& order);
    void follow(const nlohmann::json& order, gateway::WallTime now);
    void readNextAuthorization();
    void respondNext();
    void pollNextAuthorization();
    void finalize();
    /// Whether this name, without its "*.", was ordered.
    bool isOurs(const std::string& name) const;
    void takeChallenge(const nlohmann::json& authorization, const std::string& name, bool wildcard);

    void post(Stage stage, std::string url, std::string payload,
              Conversation::Signer signer = Conversation::Signer::Account);
    /// Asks the same address again after what the answer says, or else after a while that grows.
    void poll(Stage stage, const std::string& url, gateway::WallTime now);
    void fail(Failure failure);
    void failBy(const Problem& problem);
    /// Whether the authority knows the account no more; it is then to be made again.
    bool wasForgotten();
    /// What the authority refused; true where nothing is left to do.
    bool refused();
    nlohmann::json body() const;

    Conversation& m_conversation;
    Account m_account;
    const Registration& m_registration;
    Wish m_wish;
    Then m_then = Then::Send;
    Stage m_stage = Stage::Directory;
    bool m_registered = false;

    std::string m_order;  ///< addresses
    std::string m_finalize;
    std::string m_certificate;
    std::vector<std::string> m_authorizations;
    std::vector<std::string> m_pending;  ///< those whose proofs are being looked at
    std::size_t m_at = 0;                ///< of what is gone through
    std::vector<Proof> m_proofs;

    int m_polls = 0;
    int m_finalizes = 0;
    std::chrono::seconds m_pause{0};
    std::string m_chain;
    Failure m_failure;
    bool m_isGone = false;
    bool m_goesOn = false;
};

}  // namespace acme
