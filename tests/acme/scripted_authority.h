// A certificate authority made of answers: well behaved by itself, and at any address whatever a
// test puts in its way. It refuses a request that RFC 8555 forbids. Never signs anything.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "acme/order.h"
#include "crypto/base64.h"

namespace scripted {

using gateway::HttpAnswer;
using gateway::HttpCall;
using nlohmann::json;

inline const std::string kHost = "https://ca.example.com/";

inline HttpAnswer answerOf(int status, const json& body = json::object(),
                           gateway::HttpHeaders headers = {}) {
    HttpAnswer answer;
    answer.status = status;
    answer.body = body.is_string() ? body.get<std::string>() : body.dump();
    answer.headers = std::move(headers);
    return answer;
}

inline HttpAnswer refusal(int status, const std::string& type, const std::string& detail = "no",
                          gateway::HttpHeaders headers = {}) {
    return answerOf(status, {{"type", "urn:ietf:params:acme:error:" + type}, {"detail", detail}},
                    std::move(headers));
}

inline HttpAnswer silence(HttpAnswer::Trouble trouble) {
    HttpAnswer answer;
    answer.trouble = trouble;
    answer.cause = "nobody there";
    return answer;
}

/// What a signed request said.
struct Asked {
    std::string path;
    json header;
    json payload;  ///< null for POST-as-GET
};

class Authority {
public:
    json meta = json::object();
    bool offersRenewalInfo = false;
    bool offersRevocation = false;
    std::string orderStatus = "pending";                     ///< of a new order
    std::map<std::string, std::string> authorizationStatus;  ///< by name; "pending" where not said
    std::string challengeType = "http-01";
    std::vector<std::string> accounts;  ///< JWKs
    /// What is answered at a path before the authority answers by itself.
    std::map<std::string, std::deque<HttpAnswer>> instead;
    std::vector<Asked> asked;
    std::size_t requests = 0;

    HttpAnswer answer(const HttpCall& call) {
        ++requests;
        REQUIRE(call.url.starts_with(kHost));
        const std::string path = call.url.substr(kHost.size());
        if (call.method == "POST") {
            note(path, call);
        }
        HttpAnswer answer;
        if (auto& queue = instead[path]; !queue.empty()) {
            answer = queue.front();
            queue.pop_front();
        } else {
            answer = call.method == "POST" ? post(path) : get(path);
        }
        if (path != "dir" && answer.trouble == HttpAnswer::Trouble::None) {
            const std::string nonce = "nonce" + std::to_string(++m_nonces);
            m_fresh.insert(nonce);
            answer.headers.emplace_back("Replay-Nonce", nonce);
        }
        return answer;
    }

    /// How often a path was posted to.
    std::size_t count(const std::string& path) const {
        std::size_t found = 0;
        for (const Asked& one : asked) {
            found += one.path == path ? 1 : 0;
        }
        return found;
    }
    const Asked& last(const std::string& path) const {
        const Asked* found = nullptr;
        for (const Asked& one : asked) {
            found = one.path == path ? &one : found;
        }
        REQUIRE(found != nullptr);
        return *found;
    }

private:
    void note(const std::string& path, const HttpCall& call) {
        const json jws = json::parse(call.body);
        const auto decoded = [&](const char* part) {
            return crypto::decodeBase64(jws.at(part).get<std::string>(), crypto::Base64::Url)
                .value();
        };
        Asked one{path, json::parse(decoded("protected")), json()};
        const std::string payload = decoded("payload");
        one.payload = payload.empty() ? json() : json::parse(payload);
        // RFC 8555 sections 6.2, 6.4, 6.5
        CHECK(one.header.at("alg") == "ES256");
        CHECK(one.header.at("url") == call.url);
        CHECK(m_fresh.erase(one.header.at("nonce").get<std::string>()) == 1);
        CHECK(one.header.contains("jwk") == (path == "new-account"));
        CHECK(one.header.contains("kid") == (path != "new-account"));
        asked.push_back(std::move(one));
    }

    HttpAnswer get(const std::string& path) {
        if (path == "dir") {
            json directory{{"newNonce", kHost + "new-nonce"},
                           {"newAccount", kHost + "new-account"},
                           {"newOrder", kHost + "new-order"},
                           {"meta", meta}};
            if (offersRenewalInfo) {
                directory["renewalInfo"] = kHost + "ari";
            }
            if (offersRevocation) {
                directory["revokeCert"] = kHost + "revoke";
            }
            return answerOf(200, directory);
        }
        return answerOf(path == "new-nonce" ? 200 : 404);
    }

    HttpAnswer post(const std::string& path) {
        const Asked& one = asked.back();
        if (path == "new-account") {
            return account(one);
        }
        if (path == "new-order") {
            return newOrder(one);
        }
        if (path.starts_with("authz/")) {
            return authorization(path.substr(6));
        }
        if (path.starts_with("chall/")) {
            authorizationStatus[path.substr(6)] = "valid";
            return answerOf(200, {{"status", "processing"}});
        }
        if (path == "order/1/finalize") {
            m_orderStatus = "valid";
            return answerOf(200, order());
        }
        if (path == "order/1") {
            return answerOf(200, order());
        }
        if (path == "cert/1") {
            return answerOf(200, "-----BEGIN CERTIFICATE-----\n");
        }
        return answerOf(200);
    }

    HttpAnswer account(const Asked& one) {
        const std::string jwk = one.header.at("jwk").dump();
        const bool known = std::find(accounts.begin(), accounts.end(), jwk) != accounts.end();
        if (!known && one.payload.value("onlyReturnExisting", false)) {
            return refusal(400, "accountDoesNotExist");
        }
        if (!known) {
            CHECK(one.payload.at("termsOfServiceAgreed") == true);
            accounts.push_back(jwk);
        }
        return answerOf(known ? 200 : 201, json::object(), {{"Location", kHost + "acct/1"}});
    }

    HttpAnswer newOrder(const Asked& one) {
        m_names.clear();
        for (const json& identifier : one.payload.at("identifiers")) {
            m_names.push_back(identifier.at("value"));
        }
        m_orderStatus = orderStatus;
        return answerOf(201, order(), {{"Location", kHost + "order/1"}});
    }

    json order() const {
        json made{{"status", m_orderStatus}, {"finalize", kHost + "order/1/finalize"}};
        for (const std::string& name : m_names) {
            made["authorizations"].push_back(kHost + "authz/" + name);
        }
        if (m_orderStatus == "valid") {
            made["certificate"] = kHost + "cert/1";
        }
        return made;
    }

    HttpAnswer authorization(const std::string& name) {
        const bool wildcard = name.starts_with("*.");
        const auto status = authorizationStatus.find(name);
        return answerOf(
            200, {{"status", status == authorizationStatus.end() ? "pending" : status->second},
                  {"identifier", {{"type", "dns"}, {"value", wildcard ? name.substr(2) : name}}},
                  {"wildcard", wildcard},
                  {"challenges",
                   {{{"type", "other-01"}, {"token", "other"}, {"url", kHost + "other"}},
                    {{"type", challengeType},
                     {"token", "token-" + std::to_string(name.size())},
                     {"url", kHost + "chall/" + name}}}}});
    }

    std::size_t m_nonces = 0;
    std::set<std::string> m_fresh;
    std::vector<std::string> m_names;
    std::string m_orderStatus;
};

/// An order and all it needs; run() plays it against an authority without waiting.
struct Play {
    explicit Play(Authority& to) : authority(to) {
        wish.names = {"msgw1.example.com", "msgw.example.com"};
        wish.request = "csr";
        account.keyIsNew = true;
    }

    acme::Order& run() {
        order.emplace(conversation, account, registration, wish);
        for (int step = 0; step < 5000; ++step) {
            switch (order->next()) {
                case acme::Order::Then::Send: {
                    const HttpCall call = order->call();
                    order->take(authority.answer(call), now);
                    break;
                }
                case acme::Order::Then::Wait:
                    pauses.push_back(order->pause());
                    now += order->pause();
                    order->waited();
                    break;
                case acme::Order::Then::Present:
                    ++presented;
                    proofs = order->proofs();
                    order->presented();
                    break;
                case acme::Order::Then::Finished:
                case acme::Order::Then::Failed:
                    return *order;
            }
        }
        FAIL("no end");
        return *order;
    }

    Authority& authority;
    acme::AccountKey key = acme::AccountKey::make();
    acme::Conversation conversation{kHost + "dir", key};
    acme::Account account;
    acme::Registration registration;
    acme::Wish wish;
    std::optional<acme::Order> order;
    gateway::WallTime now = gateway::WallTime() + std::chrono::hours(24 * 365 * 56);
    std::vector<std::chrono::seconds> pauses;
    std::vector<acme::Proof> proofs;
    int presented = 0;
};

}  // namespace scripted
