// How an order proves its names: authorizations read, proofs made, shown and looked at (RFC 8555
// section 7.5). Never proves a name that was not ordered.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "acme/challenge.h"
#include "acme/json_fields.h"
#include "acme/order.h"
#include "crypto/base64.h"
#include "crypto/digest.h"
#include "gateway/base/text.h"

namespace acme {

using gateway::HttpAnswer;
using gateway::WallTime;
using nlohmann::json;

std::string dnsValueOf(const Proof& proof) {
    return crypto::encodeBase64(crypto::sha256(gateway::octetsOf(proof.keyAuthorization)),
                                crypto::Base64::Url);
}

void Order::readNextAuthorization() {
    if (m_at < m_authorizations.size()) {
        return post(Stage::ReadAuthorization, m_authorizations[m_at], "");
    }
    m_at = 0;
    if (m_proofs.empty()) {
        return finalize();
    }
    m_then = Then::Present;
}

void Order::afterReadAuthorization() {
    if (refused()) {
        return;
    }
    const json authorization = body();
    const std::string name =
        gateway::lowered(textIn(objectIn(authorization, "identifier"), "value").value_or(""));
    const std::string status = textIn(authorization, "status").value_or("");
    if (!isOurs(name)) {
        // It would decide whom we ask about ourselves, and what the hook writes.
        fail(withoutEnd(m_conversation.circumstances().authority + " wants a proof for \"" +
                        gateway::printable(name, 80) + "\", that was not ordered"));
        return;
    }
    if (status == "pending") {
        const bool wildcard = isTrue(authorization, "wildcard");
        takeChallenge(authorization, name, wildcard);
        if (m_then == Then::Failed) {
            return;
        }
    } else if (status != "valid") {
        failBy({0, "unauthorized", "the authorization is " + gateway::printable(status, 40),
                gateway::printable(name)});
        return;
    }
    ++m_at;
    readNextAuthorization();
}

bool Order::isOurs(const std::string& name) const {
    return std::any_of(m_wish.names.begin(), m_wish.names.end(), [&](const std::string& wished) {
        return gateway::equalsIgnoringCase(wished.starts_with("*.") ? wished.substr(2) : wished,
                                           name);
    });
}

void Order::takeChallenge(const json& authorization, const std::string& name, bool wildcard) {
    std::vector<std::string> offered;
    for (const json& challenge : arrayIn(authorization, "challenges")) {
        const std::string type = textIn(challenge, "type").value_or("");
        const std::string token = textIn(challenge, "token").value_or("");
        const std::string url = textIn(challenge, "url").value_or("");
        if (type == nameOf(m_wish.challenge) && isToken(token) && isSecureUrl(url)) {
            m_proofs.push_back({name, token, m_conversation.key().authorizationOf(token), url});
            m_pending.push_back(m_authorizations[m_at]);
            return;
        }
        offered.push_back(gateway::printable(type, 40));
    }
    fail(
        {gateway::printable(name) + " cannot be proved by " + std::string(nameOf(m_wish.challenge)),
         wildcard ? "write challenge = \"dns-01\" in [acme]: a wildcard is proved by DNS only"
                  : "the authority takes " + shortList(offered) +
                        "; write one of them in "
                        "acme.challenge",
         {}});
}

void Order::presented() {
    m_at = 0;
    respondNext();
}

void Order::respondNext() {
    if (m_at < m_proofs.size()) {
        return post(Stage::Respond, m_proofs[m_at].url, "{}");  // RFC 8555 section 7.5.1
    }
    m_at = 0;
    pollNextAuthorization();
}

void Order::afterRespond() {
    // "malformed": it was looked at already, for instance; what came of it is asked next.
    const HttpAnswer& answer = m_conversation.answer();
    if (!(answer.status == 400 && problemOf(answer).type == "malformed") && refused()) {
        return;
    }
    ++m_at;
    respondNext();
}

void Order::pollNextAuthorization() {
    m_polls = 0;
    if (m_at < m_pending.size()) {
        return post(Stage::PollAuthorization, m_pending[m_at], "");
    }
    finalize();
}

void Order::afterPollAuthorization(WallTime now) {
    if (refused()) {
        return;
    }
    const json authorization = body();
    const std::string status = textIn(authorization, "status").value_or("");
    if (status == "valid") {
        ++m_at;
        return pollNextAuthorization();
    }
    if (status == "pending" || status == "processing") {
        return poll(Stage::PollAuthorization, m_pending[m_at], now);
    }
    Problem problem{0, "unauthorized", "the authorization is " + gateway::printable(status, 40),
                    ""};
    for (const json& challenge : arrayIn(authorization, "challenges")) {
        if (const json error = objectIn(challenge, "error"); error.is_object()) {
            problem = problemOf(error);
        }
    }
    problem.name = gateway::printable(m_proofs[m_at].name);
    failBy(problem);
}

}  // namespace acme
