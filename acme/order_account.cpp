// How an order comes to its account: known, found again by its key, or made (RFC 8555 section 7.3).
// Never makes a second one for the same key.
#include <nlohmann/json.hpp>

#include "acme/order.h"

namespace acme {

using gateway::HttpAnswer;
using nlohmann::json;
using Signer = Conversation::Signer;

void Order::findAccount() {
    post(Stage::FindAccount, m_conversation.directory().newAccount,
         R"({"onlyReturnExisting":true})", Signer::Key);
}

void Order::makeAccount() {
    const Directory& directory = m_conversation.directory();
    json account{{"termsOfServiceAgreed", true}};
    if (!m_registration.contact.empty()) {
        account["contact"] = json::array({m_registration.contact});
    }
    if (!m_registration.bindingKeyId.empty()) {
        account["externalAccountBinding"] = json::parse(
            externalAccountBinding(m_conversation.key().jwk(), m_registration.bindingKeyId,
                                   directory.newAccount, m_registration.bindingKey));
    } else if (directory.needsBinding) {
        failBy({403, "externalAccountRequired",
                m_conversation.circumstances().authority +
                    " makes accounts only for customers it knows already",
                ""});
        return;
    }
    m_account.keyIsNew = true;
    post(Stage::MakeAccount, directory.newAccount, account.dump(), Signer::Key);
}

void Order::afterAccount() {
    const HttpAnswer& answer = m_conversation.answer();
    // RFC 8555 section 7.3.1
    if (m_stage == Stage::FindAccount && answer.status == 400 &&
        problemOf(answer).type == "accountDoesNotExist") {
        return makeAccount();
    }
    if (refused()) {
        return;
    }
    const std::string url(answer.header("Location").value_or(""));
    if (!isSecureUrl(url)) {
        fail(withoutEnd(m_conversation.circumstances().authority +
                        " does not say where the account is"));
        return;
    }
    m_registered = m_stage == Stage::MakeAccount && answer.status == 201;
    m_account.url = url;
    m_account.keyIsNew = false;
    if (m_registered) {
        m_account.contact = m_registration.contact;
    }
    m_conversation.setAccount(url);
    beginOrder();
}

bool Order::wasForgotten() {
    const HttpAnswer& answer = m_conversation.answer();
    if (answer.status < 400 || problemOf(answer).type != "accountDoesNotExist" || m_registered) {
        return false;
    }
    m_account = {};
    m_conversation.setAccount("");
    return true;
}

void Order::afterContact() {
    if (wasForgotten()) {
        return makeAccount();
    }
    if (!refused()) {
        m_account.contact = m_registration.contact;
        beginOrder();
    }
}

}  // namespace acme
