// The steps of an exchange with a twin: greet, compare, fetch, offer (docs/replica.md). Never goes
// on with a twin that says something else than the protocol has.
#include <set>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/net/offload.h"
#include "gateway/replica/invitation.h"
#include "gateway/replica/twin.h"
#include "gateway/replica/twin_answer.h"

namespace gateway::replica {

namespace {

using nlohmann::json;

constexpr std::string_view kRoot = "/api/v1/replica";
constexpr int kRounds = 2;
constexpr std::size_t kMostToken = 4096;
constexpr std::size_t kMostAnswer = std::size_t{64} << 10U;
/// One file in several parts, and what stood before it.
constexpr std::size_t kMostPortion = NodeFile::kMostOctets + 2 * kMostBundle;
constexpr std::chrono::minutes kRemembered{60};
constexpr const char* kPairAnew =
    "pair the two anew: `postern twin invite` there, `postern twin join` here";

bool isToken(std::string_view text) {
    return !text.empty() &&
           text.find_first_not_of(
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
               "UVWXYZ0123456789-._~+/=") == std::string_view::npos;  // RFC 6750 2.1
}

/// Without those that were tried in this form already; of others nothing is remembered any more.
std::vector<RecordFileKey> untried(const std::vector<RecordFileKey>& keys,
                                   const RecordDigests& source, RecordDigests& tried) {
    std::vector<RecordFileKey> left;
    RecordDigests still;
    for (const RecordFileKey& key : keys) {
        const auto found = tried.find(key);
        if (found == tried.end() || found->second != source.at(key)) {
            left.push_back(key);
        } else {
            still.insert(*found);
        }
    }
    tried = std::move(still);
    return left;
}

}  // namespace

Twin::Trouble Twin::troubleOf(const HttpAnswer& answer) const {
    using Kind = HttpAnswer::Trouble;
    switch (answer.trouble) {
        case Kind::None:
            break;
        case Kind::Unresolved:
            return {"its name has no address (" + answer.cause + ')', "see its URL, and the DNS"};
        case Kind::Unreachable:
            return {"nobody answers there (" + answer.cause + ')',
                    "see whether it runs, and whether its web.listen and the firewalls between let "
                    "this node in"};
        case Kind::Tls:
            return m_address.fingerprint.empty()
                       ? Trouble{"its certificate does not prove who it is (" + answer.cause + ')',
                                 "give it a certificate for its name, or name its fingerprint here"}
                       : Trouble{"its certificate has another key than its fingerprint says (" +
                                     answer.cause + ')',
                                 "compare with `postern certificate status` there: if the key was "
                                 "changed, pair the two anew; if not, somebody is in between"};
        default:
            return {answer.cause, "see its log, and the network between"};
    }
    const std::string said = "it answers " + std::to_string(answer.status) + wordsOf(answer);
    switch (answer.status) {
        case 401:
        case 403:
            return {said,
                    std::string("it does not know the token that this node shows; ") + kPairAnew};
        case 404:
        case 501:
            return {said, "it may be of a version that has no twins: update it"};
        case 421:
            return {said, "call it by its hostname, or by its address"};
        default:
            return {said, "see its log"};
    }
}

asio::awaitable<void> Twin::readToken() {
    auto read = [file = m_address.tokenFile] { return readWhole(file, kMostToken); };
    std::string failure;
    try {
        const std::string text = co_await net::offload(m_engine.disk, read);
        m_token = trimmed(text);
    } catch (const Error& error) {
        failure = error.what();
    }
    if (!failure.empty()) {
        throw Trouble{failure, m_address.joined
                                   ? std::string(kPairAnew)
                                   : "put there what `postern admin token NAME --scope replicate` "
                                     "printed on the twin"};
    }
    if (!isToken(m_token)) {
        throw Trouble{m_address.tokenFile.native() + " holds no token", kPairAnew};
    }
}

HttpCall Twin::callOf(const char* method, const std::string& path) const {
    HttpCall call;
    call.method = method;
    call.url = m_address.url + std::string(kRoot) + path;
    call.headers = {{"Authorization", "Bearer " + m_token}};
    call.pin = pinOf(m_address.fingerprint);
    call.mostBody = kMostAnswer;
    return call;
}

/// Throws Trouble where the answer is no 200.
asio::awaitable<HttpAnswer> Twin::ask(HttpCall call) {
    HttpAnswer answer = co_await m_engine.send(std::move(call));
    if (answer.trouble != HttpAnswer::Trouble::None || answer.status != 200) {
        throw troubleOf(answer);
    }
    co_return answer;
}

asio::awaitable<Greeting> Twin::greet() {
    HttpCall call = callOf("POST", "/hello");
    const Greeting self = m_engine.self();
    call.headers.emplace_back("Content-Type", "application/json");
    call.body = self.toJson().dump(-1, ' ', false, json::error_handler_t::replace);
    const HttpAnswer answer = co_await ask(std::move(call));
    const auto theirs = Greeting::parse(objectIn(answer));
    if (!theirs) {
        throw Trouble{"what answers there is no twin", "see its URL"};
    }
    if (const std::string why = whyNoTwins(self, *theirs); !why.empty()) {
        throw Trouble{"they cannot be twins", why};
    }
    if (m_address.node && *m_address.node != theirs->node) {
        throw Trouble{
            "another node answers there: " + theirs->node.str() + ", not " + m_address.node->str(),
            kPairAnew};
    }
    m_state.name = theirs->name;
    m_state.node = theirs->node;
    m_state.version = theirs->version;
    m_theirMark = theirs->waiting;
    co_return *theirs;
}

asio::awaitable<RecordDigests> Twin::list() {
    HttpCall call = callOf("GET", "/records");
    call.mostBody = kMostList;
    const HttpAnswer answer = co_await ask(std::move(call));
    auto parse = [&answer] { return parseList(answer.body); };
    auto list = co_await net::offload(m_engine.disk, parse);
    if (!list) {
        throw Trouble{"its list of records is none", "see whether both have the same version"};
    }
    co_return std::move(*list);
}

void Twin::rememberFor(std::chrono::steady_clock::duration time) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= m_forgetAt) {
        m_fetched.clear();
        m_offered.clear();
        m_forgetAt = now + time;
    }
}

asio::awaitable<void> Twin::exchange() {
    co_await readToken();
    rememberFor(kRemembered);
    RecordDigests theirs;
    for (int round = 0;; ++round) {
        const Greeting greeting = co_await greet();
        const bool same = greeting.digest == m_engine.registry()->digest();
        if (same || round == kRounds) {
            m_state.inStep = same;
            m_state.differing =
                same ? 0 : differingMailboxes(m_engine.registry()->digests(), theirs);
            if (same) {
                m_state.lastInStep = std::chrono::system_clock::now();
            }
            co_await exchangeWaiting();
            co_return;
        }
        theirs = co_await list();
        co_await fetch(theirs);
        co_await offer(theirs);
    }
}

asio::awaitable<void> Twin::fetch(const RecordDigests& theirs) {
    const auto registry = m_engine.registry();
    std::vector<RecordFileKey> wanted =
        untried(lackingOf(registry->digests(), theirs), theirs, m_fetched);
    for (std::size_t at = 0; at < wanted.size();) {
        const auto begin = wanted.begin() + static_cast<std::ptrdiff_t>(at);
        const auto end =
            begin + static_cast<std::ptrdiff_t>(std::min(kMostWanted, wanted.size() - at));
        const std::size_t dealt = co_await fetchSome(std::vector<RecordFileKey>(begin, end));
        for (const std::size_t next = at + dealt; at < next; ++at) {
            m_fetched.insert_or_assign(wanted[at], theirs.at(wanted[at]));
        }
    }
}

/// How many of them were dealt with.
asio::awaitable<std::size_t> Twin::fetchSome(std::vector<RecordFileKey> wanted) {
    json names = json::array();
    for (const RecordFileKey& key : wanted) {
        names.push_back(nameOf(key));
    }
    HttpCall call = callOf("POST", "/records/fetch");
    call.headers.emplace_back("Content-Type", "application/json");
    call.body = json{{"files", std::move(names)}}.dump();
    call.mostBody = kMostPortion;
    const HttpAnswer answer = co_await ask(std::move(call));
    const auto dealt = parseDecimal(answer.header("X-Postern-Files").value_or(""));
    auto parse = [&answer] { return parseBundle(answer.body); };
    auto bundle = co_await net::offload(m_engine.disk, parse);
    if (!bundle || !dealt || *dealt == 0 || *dealt > wanted.size()) {
        throw Trouble{"what it sends are no records", "see whether both have the same version"};
    }
    // Nothing else than was asked for.
    const std::set<RecordFileKey> asked(wanted.begin(), wanted.end());
    for (const Record& record : bundle->records) {
        for (const auto& [key, file] : record.files()) {
            if (!asked.contains({record.mailbox(), key.first, key.second})) {
                throw Trouble{"it sends records that were not asked for", "see its log"};
            }
        }
    }
    if (!bundle->records.empty()) {
        const auto added = co_await m_engine.add(std::move(*bundle));
        log::info("records came from a twin", {{"twin", m_address.url},
                                               {"mailboxes", added.mailboxes},
                                               {"statements", added.statements},
                                               {"files_held_back", added.heldBack},
                                               {"files_refused", added.refused}});
    }
    co_return static_cast<std::size_t>(*dealt);
}

asio::awaitable<void> Twin::offer(const RecordDigests& theirs) {
    const auto registry = m_engine.registry();
    std::vector<RecordFileKey> news =
        untried(lackingOf(theirs, registry->digests()), registry->digests(), m_offered);
    while (!news.empty() && !m_over) {
        Portion portion = co_await m_engine.portion(news);
        for (std::string& bundle : portion.bundles) {
            HttpCall call = callOf("POST", "/records");
            call.headers.emplace_back("Content-Type", "application/octet-stream");
            call.body = std::move(bundle);
            co_await ask(std::move(call));
        }
        const auto dealt = news.begin() + static_cast<std::ptrdiff_t>(portion.files);
        for (auto key = news.begin(); key != dealt; ++key) {
            m_offered.insert_or_assign(*key, registry->digests().at(*key));
        }
        news.erase(news.begin(), dealt);
    }
}

}  // namespace gateway::replica
