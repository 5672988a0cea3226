#include "acme/order.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "acme/retry_after.h"
#include "crypto/base64.h"
#include "gateway/base/text.h"

namespace acme {

namespace {

using gateway::HttpAnswer;
using gateway::WallTime;
using nlohmann::json;
using namespace std::chrono_literals;
using Progress = Conversation::Progress;
using Signer = Conversation::Signer;

/// Where an answer does not say: 1, 2, 4, 8, then 15 seconds.
std::chrono::seconds pauseOf(int polls) {
    return polls >= 4 ? 15s : std::chrono::seconds(1 << polls);
}

}  // namespace

Order::Order(Conversation& conversation, Account account, const Registration& registration,
             Wish wish)
    : m_conversation(conversation),
      m_account(std::move(account)),
      m_registration(registration),
      m_wish(std::move(wish)) {
    m_conversation.setCircumstances(m_wish.challenge, m_wish.profile);
    m_conversation.setAccount(m_account.url);
    m_conversation.start();
}

void Order::take(HttpAnswer answer, WallTime now) {
    switch (m_conversation.take(std::move(answer), now)) {
        case Progress::Again:
            m_then = Then::Send;
            break;
        case Progress::Pause:
            m_pause = m_conversation.pause();
            m_then = Then::Wait;
            break;
        case Progress::Failed:
            m_goesOn = true;  // silence, or a limit: it says nothing of the order
            fail(m_conversation.failure());
            return;
        case Progress::Answered:
            advance(now);
            break;
    }
    if (m_then == Then::Send && m_conversation.requests() >= kMostRequests) {
        fail(withoutEnd(m_conversation.circumstances().authority + " came to no end after " +
                        std::to_string(kMostRequests) + " requests"));
    }
}

void Order::waited() { m_then = Then::Send; }

void Order::advance(WallTime now) {
    switch (m_stage) {
        case Stage::Directory:
            return afterDirectory();
        case Stage::FindAccount:
        case Stage::MakeAccount:
            return afterAccount();
        case Stage::TellContact:
            return afterContact();
        case Stage::NewOrder:
            return afterNewOrder(now);
        case Stage::TakeUp:
            return afterTakeUp(now);
        case Stage::ReadAuthorization:
            return afterReadAuthorization();
        case Stage::Respond:
            return afterRespond();
        case Stage::PollAuthorization:
            return afterPollAuthorization(now);
        case Stage::Finalize:
            return afterFinalize(now);
        case Stage::PollOrder:
            return afterOrder(now);
        case Stage::Download:
            return afterDownload(now);
    }
}

void Order::afterDirectory() {
    const Directory& directory = m_conversation.directory();
    const auto& offered = directory.profiles;
    if (!m_wish.profile.empty() &&
        std::find(offered.begin(), offered.end(), m_wish.profile) == offered.end()) {
        const std::string& authority = m_conversation.circumstances().authority;
        fail({authority + " has no profile \"" + gateway::printable(m_wish.profile, 60) + '"',
              offered.empty()
                  ? "leave acme.profile out: this authority offers none"
                  : "write one of " + shortList(offered) + " in acme.profile, or leave it out",
              {}});
        return;
    }
    if (directory.renewalInfo.empty()) {
        m_wish.replaces.clear();  // RFC 9773 section 5: only where the authority offers it
    }
    if (m_account.url.empty()) {
        return m_account.keyIsNew ? makeAccount() : findAccount();
    }
    beginOrder();
}

void Order::beginOrder() {
    if (m_account.contact != m_registration.contact) {
        const json contacts =
            m_registration.contact.empty() ? json::array() : json::array({m_registration.contact});
        return post(Stage::TellContact, m_account.url, json{{"contact", contacts}}.dump());
    }
    if (!m_wish.order.empty()) {
        return post(Stage::TakeUp, m_wish.order, "");
    }
    json order{{"identifiers", json::array()}};
    for (const std::string& name : m_wish.names) {
        order["identifiers"].push_back({{"type", "dns"}, {"value", name}});
    }
    if (!m_wish.profile.empty()) {
        order["profile"] = m_wish.profile;
    }
    if (!m_wish.replaces.empty()) {
        order["replaces"] = m_wish.replaces;
    }
    post(Stage::NewOrder, m_conversation.directory().newOrder, order.dump());
}

void Order::afterNewOrder(WallTime now) {
    const HttpAnswer& answer = m_conversation.answer();
    if (answer.status >= 400 && !m_wish.replaces.empty()) {
        // RFC 9773 section 5: what it replaces is no longer to be replaced, or is not ours. Once
        // without it, else renewals would fail for ever after one that was half done.
        m_wish.replaces.clear();
        return beginOrder();
    }
    if (wasForgotten()) {
        return makeAccount();
    }
    if (refused()) {
        return;
    }
    const json order = body();
    if (!enter(std::string(answer.header("Location").value_or("")), order)) {
        fail(withoutEnd(m_conversation.circumstances().authority +
                        " answers with an order that is none"));
        return;
    }
    follow(order, now);
}

void Order::afterTakeUp(WallTime now) {
    const json order = body();
    const std::string status = textIn(order, "status").value_or("");
    const bool lives =
        status == "pending" || status == "ready" || status == "processing" || status == "valid";
    if (m_conversation.answer().status != 200 || !lives || !enter(m_wish.order, order)) {
        m_isGone = true;
        fail(withoutEnd("nothing is left of the order that was begun"));
        return;
    }
    follow(order, now);
}

bool Order::enter(const std::string& url, const json& order) {
    std::vector<std::string> authorizations = textsIn(order, "authorizations");
    if (!isSecureUrl(url) || authorizations.size() > m_wish.names.size() ||
        !std::all_of(authorizations.begin(), authorizations.end(), isSecureUrl)) {
        return false;
    }
    m_order = url;
    m_authorizations = std::move(authorizations);
    m_finalize = textIn(order, "finalize").value_or("");
    m_at = 0;
    return true;
}

void Order::follow(const json& order, WallTime now) {
    if (textIn(order, "status") != "pending") {
        return afterOrder(now);  // proofs given before are still good
    }
    readNextAuthorization();
}

void Order::finalize() {
    m_polls = 0;
    if (!isSecureUrl(m_finalize) || ++m_finalizes > kMostFinalizes) {
        fail(withoutEnd(m_conversation.circumstances().authority +
                        " does not let the order be finalised"));
        return;
    }
    const std::string request =
        crypto::encodeBase64(gateway::octetsOf(m_wish.request), crypto::Base64::Url);
    post(Stage::Finalize, m_finalize, json{{"csr", request}}.dump());
}

void Order::afterFinalize(WallTime now) {
    const HttpAnswer& answer = m_conversation.answer();
    // RFC 8555 section 7.4: authorities that check once more say so, and only then go on.
    if (answer.status == 403 && problemOf(answer).type == "orderNotReady") {
        return poll(Stage::PollOrder, m_order, now);
    }
    if (!refused()) {
        afterOrder(now);
    }
}

void Order::afterOrder(WallTime now) {
    if (refused()) {
        return;
    }
    const json order = body();
    const std::string status = textIn(order, "status").value_or("");
    if (status == "valid") {
        m_polls = 0;
        m_certificate = textIn(order, "certificate").value_or("");
        if (!isSecureUrl(m_certificate)) {
            return poll(Stage::PollOrder, m_order, now);
        }
        return post(Stage::Download, m_certificate, "");
    }
    if (status == "ready") {
        return finalize();
    }
    if (status == "processing" || status == "pending") {
        return poll(Stage::PollOrder, m_order, now);
    }
    const json error = objectIn(order, "error");
    failBy(error.is_object()
               ? problemOf(error)
               : Problem{0, "", "the order is " + gateway::printable(status, 40), ""});
}

void Order::afterDownload(WallTime now) {
    const HttpAnswer& answer = m_conversation.answer();
    // Some authorities show a certificate only seconds after they say that it is there.
    if (answer.status == 404 && m_polls < kMostDownloads) {
        return poll(Stage::Download, m_certificate, now);
    }
    if (!refused()) {
        m_chain = answer.body;
        m_then = Then::Finished;
    }
    m_goesOn = answer.status == 404;  // it was issued, and may be shown yet
}

void Order::post(Stage stage, std::string url, std::string payload, Signer signer) {
    m_stage = stage;
    m_conversation.post(std::move(url), std::move(payload), signer);
    m_then = Then::Send;
}

void Order::poll(Stage stage, const std::string& url, WallTime now) {
    const auto asked = retryAfter(m_conversation.answer(), now);
    m_pause = std::max(1s, asked.value_or(pauseOf(m_polls)));
    if (++m_polls > kMostPolls || m_pause > kMostPause) {
        Failure failure = withoutEnd(m_conversation.circumstances().authority +
                                     " has not come to an end with the order after " +
                                     std::to_string(m_polls) + " questions");
        if (asked) {
            failure.notBefore = now + *asked;
        }
        m_goesOn = true;
        return fail(std::move(failure));
    }
    post(stage, url, "");
    m_then = Then::Wait;
}

void Order::fail(Failure failure) {
    m_failure = std::move(failure);
    m_then = Then::Failed;
}

void Order::failBy(const Problem& problem) {
    fail(describe(problem, m_conversation.circumstances()));
}

bool Order::refused() {
    const HttpAnswer& answer = m_conversation.answer();
    if (answer.status >= 200 && answer.status < 300) {
        return false;
    }
    failBy(problemOf(answer));
    return true;
}

json Order::body() const { return parsed(m_conversation.answer().body); }

}  // namespace acme
