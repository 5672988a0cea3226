// Answers of a certificate authority: whatever it says, an order comes to an end after a bounded
// number of requests, and asks nobody but by https.
// Input: answers, each of a kind (one octet), its length (two) and that many octets of JSON.
#include <array>

#include "acme/order.h"
#include "acme/renewal.h"
#include "acme/retry_after.h"
#include "tests/fuzz/fuzzing.h"

namespace {

using gateway::HttpAnswer;
using gateway::HttpCall;
using Then = acme::Order::Then;

HttpAnswer answerOf(fuzz::Portions& input) {
    static constexpr std::array<int, 8> kStatus{200, 201, 400, 403, 404, 409, 429, 500};
    const std::uint8_t kind = input.octet();
    HttpAnswer answer;
    answer.status = kStatus[kind % kStatus.size()];
    answer.body = input.take(input.number());
    answer.headers.emplace_back("Replay-Nonce", "nonce");
    if ((kind & 8U) != 0) {
        answer.headers.emplace_back("Location", "https://ca.example.com/1");
    }
    if ((kind & 16U) != 0) {
        answer.headers.emplace_back("Retry-After", answer.body.substr(0, 30));
    }
    if (kind == 255) {
        answer.trouble = HttpAnswer::Trouble::TimedOut;
    }
    return answer;
}

void judge(const HttpCall& call) {
    fuzz::claim(acme::isSecureUrl(call.url), "asked by https only");
    fuzz::claim(call.method == "POST" ? !call.body.empty() : call.body.empty(), "a body in a POST");
}

void play(fuzz::Portions input) {
    static const acme::AccountKey key = acme::AccountKey::make();
    acme::Conversation conversation("https://ca.example.com/dir", key);
    const acme::Registration registration;
    acme::Wish wish;
    wish.names = {"a.example.com", "b.example.com"};
    wish.request = "csr";
    wish.replaces = "aki.serial";
    acme::Account account;
    account.keyIsNew = true;
    acme::Order order(conversation, account, registration, wish);
    gateway::WallTime now = gateway::WallTime() + std::chrono::hours(24 * 365 * 56);
    std::size_t sent = 0;
    while (order.next() != Then::Finished && order.next() != Then::Failed) {
        if (order.next() == Then::Present) {
            fuzz::claim(order.proofs().size() <= wish.names.size(), "no more proofs than names");
            order.presented();
        } else if (order.next() == Then::Wait) {
            fuzz::claim(order.pause() <= acme::Order::kMostPause, "a bounded pause");
            now += order.pause();
            order.waited();
        } else {
            judge(order.call());
            fuzz::claim(++sent <= acme::Order::kMostRequests + 1, "a bounded number of requests");
            order.take(answerOf(input), now);
        }
    }
    fuzz::claim(order.next() != Then::Failed || !order.failure().text.empty(), "words");
}

void readRenewal(std::string_view input) {
    if (const auto window = acme::parseRenewalInfo(std::string(input))) {
        fuzz::claim(window->start < window->end, "a window");
    }
    bool isNewer = false;
    if (const auto state = acme::RenewalState::parse(std::string(input), isNewer)) {
        const auto again = acme::RenewalState::parse(state->toText(), isNewer);
        fuzz::claim(again.has_value(), "a state is read again");
        const acme::Ordered wanted{"https://ca.example.com/dir", "", {"a.example.com"}};
        const gateway::WallTime now = gateway::WallTime() + std::chrono::hours(24 * 365 * 56);
        const acme::Held held{now, now + std::chrono::hours(90), wanted.names, state->windowOf,
                              std::string(64, 'a')};
        acme::planRenewal(held, wanted, true, *state, now);
    }
}

}  // namespace

void fuzz::run(std::string_view input) {
    play(Portions(input));
    readRenewal(input);
}
