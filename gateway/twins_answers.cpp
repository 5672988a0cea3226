// What a twin that calls this node is answered (docs/replica.md), and how this node joins one.
// Never lets the holder of one token have more under way than its share, whatever it sends.
#include <algorithm>

#include "gateway/answer.h"
#include "gateway/base/json_text.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/exit_code.h"
#include "gateway/net/http_stream.h"
#include "gateway/net/offload.h"
#include "gateway/replica/invitation.h"
#include "gateway/replica/twin_answer.h"
#include "gateway/twins.h"

namespace gateway {

namespace {

using net::HttpResponse;
using nlohmann::json;
using webui::Call;
using webui::Refused;

/// Lists and bundles on their way to one twin.
constexpr unsigned kMostTransfers = 4;
/// Who asked waits for it.
constexpr std::chrono::seconds kJoinPatience{30};
constexpr std::size_t kMostJoinAnswer = std::size_t{64} << 10U;

[[noreturn]] void throwTooMany() {
    throw Refused{429,
                  "too_many",
                  "More than one twin would need is under way for this token; ask again later.",
                  {{"Retry-After", "5"}}};
}

/// Why the node that invites could not be joined.
std::string whyNotJoined(const HttpAnswer& answer) {
    if (answer.trouble != HttpAnswer::Trouble::None) {
        return "it cannot be reached: " + answer.cause +
               "; see whether it runs, whether its web.listen and the firewalls between let this "
               "node in, and whether the certificate there is still the one of the invitation";
    }
    if (answer.status == 401) {
        return "it does not know the invitation: it was used already, taken back, or is older than "
               "a day; make another with `postern twin invite`";
    }
    return "it answers " + std::to_string(answer.status) + replica::wordsOf(answer);
}

}  // namespace

class Twins::Transfer {
public:
    Transfer(std::shared_ptr<std::map<std::string, unsigned>> all, std::string token)
        : m_all(std::move(all)), m_token(std::move(token)) {
        if (++(*m_all)[m_token] > kMostTransfers) {
            end();
            throwTooMany();
        }
    }
    ~Transfer() { end(); }
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    /// A body that counts as under way until it was sent.
    static HttpResponse response(std::shared_ptr<Transfer> transfer, const char* type,
                                 std::string text) {
        HttpResponse response;
        response.fields = {{"Content-Type", type}};
        const std::size_t octets = text.size();
        const auto body = std::make_shared<const std::string>(std::move(text));
        auto produce = [transfer, body](net::HttpBody& into) { return into.write(*body); };
        response.stream = std::make_shared<const net::HttpStream>(std::move(produce), octets);
        return response;
    }

private:
    void end() {
        if (--m_all->at(m_token) == 0) {
            m_all->erase(m_token);
        }
    }
    const std::shared_ptr<std::map<std::string, unsigned>> m_all;
    const std::string m_token;
};

webui::ReplicaEngine Twins::engine() {
    webui::ReplicaEngine engine;
    const auto by = [this](asio::awaitable<HttpResponse> (Twins::*answer)(Call)) {
        return [this, answer](Call call) { return (this->*answer)(std::move(call)); };
    };
    engine.hello = by(&Twins::hello);
    engine.list = by(&Twins::list);
    engine.fetch = by(&Twins::fetch);
    engine.add = by(&Twins::takeRecords);
    engine.listen = by(&Twins::listen);
    engine.challenges = by(&Twins::exchangeChallenges);
    engine.waiting = by(&Twins::waiting);
    engine.join = by(&Twins::acceptTwin);
    return engine;
}

asio::awaitable<HttpResponse> Twins::hello(Call call) {
    const auto greeting = replica::Greeting::parse(call.body);
    if (!greeting) {
        throw Refused{400, "bad_request", "That is no greeting of a twin."};
    }
    const replica::Greeting mine = self();
    m_visitors.greeted(call.caller.token, *greeting, mine, std::chrono::system_clock::now());
    if (const auto teller = tellerOf(call.caller.token)) {
        m_news.confirm(*teller, greeting->waiting, std::chrono::system_clock::now());
    }
    m_house.changed();
    if (const std::string why = replica::whyNoTwins(mine, *greeting); !why.empty()) {
        throw Refused{409, "conflict", why};
    }
    co_return webui::jsonResponse(200, mine.toJson());
}

asio::awaitable<HttpResponse> Twins::list(Call call) {
    auto transfer = std::make_shared<Transfer>(m_transfers, call.caller.token);
    auto format = [registry = m_house.registry()] {
        return replica::formatList(registry->digests());
    };
    std::string text = co_await net::offload(m_house.disk, std::move(format));
    co_return Transfer::response(std::move(transfer), "text/plain; charset=utf-8", std::move(text));
}

asio::awaitable<HttpResponse> Twins::fetch(Call call) {
    auto transfer = std::make_shared<Transfer>(m_transfers, call.caller.token);
    std::vector<RecordFileKey> wanted;
    const json files = call.body.value("files", json());
    for (const json& name : files.is_array() ? files : json::array()) {
        auto key = replica::parseName(name.is_string() ? name.get<std::string>() : "");
        if (!key) {
            throw Refused{400, "bad_request", "A name is a mailbox, a node and its key."};
        }
        wanted.push_back(std::move(*key));
    }
    if (wanted.empty() || wanted.size() > replica::kMostWanted) {
        throw Refused{400, "bad_request", "files are 1 to 200 names of the list."};
    }
    const replica::Portion found = co_await portion(std::move(wanted));
    std::string text;
    for (const std::string& bundle : found.bundles) {
        text += bundle;
    }
    HttpResponse response =
        Transfer::response(std::move(transfer), "application/octet-stream", std::move(text));
    response.fields.emplace_back("X-Postern-Files", std::to_string(found.files));
    co_return response;
}

asio::awaitable<HttpResponse> Twins::takeRecords(Call call) {
    /// One after another: the records of all mailboxes have but one lane.
    class Upload {
    public:
        Upload(std::set<std::string>& all, const std::string& token)
            : m_all(all), m_place(all.insert(token)) {
            if (!m_place.second) {
                throwTooMany();
            }
        }
        ~Upload() { m_all.erase(m_place.first); }
        Upload(const Upload&) = delete;
        Upload& operator=(const Upload&) = delete;

    private:
        std::set<std::string>& m_all;
        const std::pair<std::set<std::string>::iterator, bool> m_place;
    };
    const Upload upload(m_uploads, call.caller.token);
    auto parse = [&call] { return replica::parseBundle(call.request.body); };
    auto bundle = co_await net::offload(m_house.disk, parse);
    if (!bundle) {
        throw Refused{400, "bad_request", "That is no bundle of records."};
    }
    const auto added = co_await add(std::move(*bundle));
    log::info("records came from a twin", {{"twin", call.caller.name},
                                           {"peer", call.caller.peer},
                                           {"mailboxes", added.mailboxes},
                                           {"statements", added.statements},
                                           {"files_held_back", added.heldBack},
                                           {"files_refused", added.refused}});
    co_return webui::jsonResponse(200, {{"mailboxes", added.mailboxes},
                                        {"statements", added.statements},
                                        {"held_back", added.heldBack},
                                        {"refused", added.refused}});
}

asio::awaitable<HttpResponse> Twins::listen(Call call) {
    HttpResponse response;
    response.fields = {{"Content-Type", "text/event-stream"}};
    response.stream = m_feed.open(call.caller.token, call.caller.stillCounts);
    if (!response.stream) {
        throwTooMany();
    }
    m_house.changed();
    co_return response;
}

asio::awaitable<HttpResponse> Twins::acceptTwin(Call call) {
    const auto greeting = replica::Greeting::parse(call.body);
    if (!greeting) {
        throw Refused{400, "bad_request", "That is no greeting of a twin."};
    }
    const replica::Greeting mine = self();
    if (const std::string why = replica::whyNoTwins(mine, *greeting); !why.empty()) {
        throw Refused{409, "conflict", why};
    }
    json request{{"operation", "twin.accept"},
                 {"invitation", call.caller.token},
                 {"node", greeting->node.str()},
                 {"node_key", greeting->key.str()},
                 {"node_name", greeting->name},
                 {"trusted", call.body.value("trusted", json::array())},
                 {"by", "an invitation, from " + call.caller.peer}};
    json answer = webui::requireDone(co_await m_house.perform(std::move(request)));
    answer.update(mine.toJson());
    co_return webui::secretResponse(200, std::move(answer));
}

asio::awaitable<json> Twins::join(json request) {
    json answer;
    try {
        answer = co_await joinBy(request);
    } catch (const Refusal& refusal) {
        answer = {
            {"ok", false}, {"error", refusal.text}, {"exit", refusal.exit}, {"code", refusal.code}};
    } catch (const std::exception& error) {
        answer = {
            {"ok", false}, {"error", error.what()}, {"exit", EX_SOFTWARE}, {"code", "trouble"}};
    }
    co_return answer;
}

asio::awaitable<json> Twins::joinBy(const json& request) {
    std::string why;
    const auto invitation = replica::Invitation::parse(textIn(request, "invitation"), why);
    if (!invitation) {
        throw Refusal(EX_DATAERR, why, "bad_request");
    }
    const replica::Greeting mine = self();
    if (invitation->node == mine.node) {
        throw Refusal(EX_DATAERR, "the invitation is this node's own; join on the other one",
                      "conflict");
    }
    json greeting = mine.toJson();
    greeting["trusted"] = co_await trusted();
    HttpCall call;
    call.method = "POST";
    call.url = invitation->url + "/api/v1/replica/join";
    call.headers = {{"Authorization", "Bearer " + std::string(invitation->token.text())},
                    {"Content-Type", "application/json"}};
    call.body = greeting.dump(-1, ' ', false, json::error_handler_t::replace);
    call.pin = replica::pinOf(invitation->fingerprint);
    call.mostBody = kMostJoinAnswer;
    call.time = kJoinPatience;
    const HttpAnswer answer = co_await m_house.send(std::move(call));
    const json told = replica::objectIn(answer);
    const auto theirs = replica::Greeting::parse(told);
    if (answer.trouble != HttpAnswer::Trouble::None || answer.status != 200) {
        throw Refusal(EX_UNAVAILABLE, invitation->url + ": " + whyNotJoined(answer));
    }
    if (!theirs || theirs->node != invitation->node || theirs->key != invitation->key) {
        throw Refusal(EX_PROTOCOL, invitation->url +
                                       ": another node answers there than the one that invites; "
                                       "make another invitation and compare");
    }
    json joined{{"operation", "twin.joined"},
                {"url", invitation->url},
                {"fingerprint", invitation->fingerprint},
                {"node", theirs->node.str()},
                {"node_key", theirs->key.str()},
                {"node_name", theirs->name},
                {"token", textIn(told, "token")},
                {"trusted", told.value("trusted", json::array())},
                {"by", textIn(request, "by")},
                {"peer", request.value("peer", json())}};
    co_return co_await m_house.perform(std::move(joined));
}

}  // namespace gateway
