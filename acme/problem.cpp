#include "acme/problem.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "gateway/base/text.h"

namespace acme {

namespace {

using nlohmann::json;

constexpr std::string_view kPrefix = "urn:ietf:params:acme:error:";
constexpr std::size_t kMostDetail = 400;

constexpr std::array<std::pair<ChallengeType, std::string_view>, 3> kTypes{
    {{ChallengeType::Http01, "http-01"},
     {ChallengeType::TlsAlpn01, "tls-alpn-01"},
     {ChallengeType::Dns01, "dns-01"}}};

std::string portOf(ChallengeType challenge) {
    return challenge == ChallengeType::TlsAlpn01 ? "port 443" : "port 80";
}

std::string thisName(const Problem& problem) {
    return problem.name.empty() ? "the name" : problem.name;
}

std::string forConnection(const Problem& problem, const Circumstances& about) {
    if (about.challenge == ChallengeType::Dns01) {
        return "the DNS servers of " + thisName(problem) + " did not answer the authority";
    }
    return "let the internet reach " + thisName(problem) + " at " + portOf(about.challenge) +
           ": open it in the firewall, or forward it to this server's acme.listen";
}

std::string forDns(const Problem& problem, const Circumstances& about) {
    if (about.challenge == ChallengeType::Dns01) {
        return "see that acme.hook writes the TXT record it is given, and waits until every DNS "
               "server of the zone has it";
    }
    return "give " + thisName(problem) +
           " an A or AAAA record that leads to this server, and see that its DNS servers answer";
}

std::string forAnswer(const Problem& problem, const Circumstances& about) {
    if (about.challenge == ChallengeType::Dns01) {
        return "see that acme.hook writes the TXT record it is given, and waits until every DNS "
               "server of the zone has it";
    }
    return "somebody else answers there: let " + thisName(problem) +
           " lead to this server only (A and AAAA records), and " + portOf(about.challenge) +
           " to its acme.listen, past other web servers and proxies";
}

std::string forCaa(const Problem& problem, const Circumstances& about) {
    const std::string authority =
        about.caaIdentities.empty() ? about.authority : about.caaIdentities.front();
    return "a CAA record of " + thisName(problem) +
           " or its parent forbids it; add: " + (problem.name.empty() ? "<name>" : problem.name) +
           ". CAA 0 issue \"" + authority + '"';
}

std::string forNames(const Problem& problem, const Circumstances& /*about*/) {
    return "the authority gives no certificate for " + thisName(problem) +
           ": take it out of acme.names (or change hostname), or choose another acme.directory";
}

std::string forProfile(const Problem& /*problem*/, const Circumstances& about) {
    return "write another acme.profile than \"" + about.profile +
           "\", or leave it out for the authority's default";
}

std::string forBinding(const Problem& /*problem*/, const Circumstances& /*about*/) {
    return "get a key id and an HMAC key from the authority's web page, and write acme.eab_key_id "
           "and acme.eab_hmac_key_file";
}

std::string forContact(const Problem& /*problem*/, const Circumstances& /*about*/) {
    return "write a mail address that exists in acme.contact, or leave it out";
}

std::string forTerms(const Problem& /*problem*/, const Circumstances& about) {
    return "the terms of " + about.authority +
           " have changed: read and accept them at the address above";
}

std::string forAccount(const Problem& /*problem*/, const Circumstances& about) {
    return about.authority +
           " does not accept this account; if it was deactivated on purpose, stop the server, "
           "move the account's folder under acme/ of the data directory away, and start it again";
}

std::string forLimit(const Problem& /*problem*/, const Circumstances& about) {
    return "nothing to do: a renewal is tried again when " + about.authority +
           " allows it. Until then the present certificate serves";
}

std::string forTrouble(const Problem& /*problem*/, const Circumstances& about) {
    return "nothing to do unless it lasts: renewals are tried again by themselves; the status page "
           "of " +
           about.authority + " may say more";
}

struct Advice {
    std::string_view type;
    std::string (*text)(const Problem&, const Circumstances&);
};

/// RFC 8555 section 6.7, RFC 8737, RFC 9773 and profiles.
constexpr std::array<Advice, 20> kAdvice{{{"connection", forConnection},
                                          {"dns", forDns},
                                          {"unauthorized", forAnswer},
                                          {"incorrectResponse", forAnswer},
                                          {"tls", forConnection},
                                          {"caa", forCaa},
                                          {"rejectedIdentifier", forNames},
                                          {"unsupportedIdentifier", forNames},
                                          {"invalidProfile", forProfile},
                                          {"externalAccountRequired", forBinding},
                                          {"invalidContact", forContact},
                                          {"unsupportedContact", forContact},
                                          {"userActionRequired", forTerms},
                                          {"accountDoesNotExist", forAccount},
                                          {"accountDeactivated", forAccount},
                                          {"rateLimited", forLimit},
                                          {"serverInternal", forTrouble},
                                          {"badNonce", forTrouble},
                                          {"orderNotReady", forTrouble},
                                          {"alreadyReplaced", forTrouble}}};

}  // namespace

std::string shortList(const std::vector<std::string>& words) {
    constexpr std::size_t kMostWords = 8;
    std::string list;
    for (const std::string& word : words) {
        if (&word - words.data() == kMostWords) {
            return list + ", …";
        }
        list += (list.empty() ? "" : ", ") + word;
    }
    return list;
}

std::string_view nameOf(ChallengeType type) {
    return kTypes[static_cast<std::size_t>(type)].second;
}

std::optional<ChallengeType> parseChallengeType(std::string_view name) {
    const auto* const found =
        std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& t) { return t.second == name; });
    return found == kTypes.end() ? std::nullopt : std::optional(found->first);
}

Problem problemOf(const json& error) {
    Problem problem;
    const auto subproblems = error.find("subproblems");
    const bool precise = subproblems != error.end() && subproblems->is_array() &&
                         !subproblems->empty() && subproblems->front().is_object();
    const json& source = precise ? subproblems->front() : error;
    std::string type = textIn(source, "type").value_or("");
    if (type.starts_with(kPrefix)) {
        type.erase(0, kPrefix.size());
    }
    problem.type = gateway::printable(type, 60);
    problem.detail = gateway::printable(textIn(source, "detail").value_or(""), kMostDetail);
    if (const auto identifier = source.find("identifier"); identifier != source.end()) {
        problem.name = gateway::printable(textIn(*identifier, "value").value_or(""));
    }
    return problem;
}

Problem problemOf(const gateway::HttpAnswer& answer) {
    const json body = parsed(answer.body);
    Problem problem = body.is_object() ? problemOf(body) : Problem();
    problem.status = answer.status;
    if (problem.detail.empty()) {
        problem.detail = "HTTP status " + std::to_string(answer.status) + " without a reason";
    }
    return problem;
}

Failure withoutEnd(std::string text) {
    return {std::move(text),
            "nothing to do unless it lasts: renewals are tried again by themselves",
            {}};
}

Failure describe(const Problem& problem, const Circumstances& circumstances) {
    Failure failure;
    failure.text = (problem.name.empty() ? "" : problem.name + ": ") + problem.detail +
                   (problem.type.empty() ? "" : " (" + problem.type + ')');
    const auto* const known = std::find_if(kAdvice.begin(), kAdvice.end(),
                                           [&](const Advice& a) { return a.type == problem.type; });
    if (known != kAdvice.end()) {
        failure.advice = known->text(problem, circumstances);
    } else if (problem.status >= 500) {
        failure.advice = forTrouble(problem, circumstances);
    } else {
        failure.advice = "what " + circumstances.authority +
                         " says above must be settled there, or in [acme] of the configuration";
    }
    return failure;
}

}  // namespace acme
