#include "gateway/twins.h"

#include <algorithm>

#include "gateway/answer.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/net/offload.h"
#include "gateway/operations_twin.h"

namespace gateway {

namespace {

using replica::JoinedTwin;
using replica::Twin;
using replica::TwinAddress;

/// A twin calls every minute.
constexpr std::chrono::minutes kLately{3};

}  // namespace

Twins::Twins(const Config& config, TwinsHouse house)
    : m_config(config),
      m_house(std::move(house)),
      m_joined(replica::TwinsFile::load(Layout(config.data))),
      m_feed(m_house.io),
      m_toldChallenges(m_house.io) {}

replica::Greeting Twins::self() const {
    const Node& node = m_house.keeper.self();  // never changes
    replica::Greeting greeting(node.id(), node.key().verifyKey());
    greeting.name = m_config.hostname;
    greeting.domain = m_config.domain;
    greeting.version = POSTERN_VERSION;
    greeting.digest = m_house.registry()->digest();
    greeting.waiting = m_news.mark();
    return greeting;
}

replica::TwinEngine Twins::twinEngine() {
    replica::TwinEngine engine(m_house.io, m_house.disk);
    engine.send = m_house.send;
    engine.self = [this] { return self(); };
    engine.registry = m_house.registry;
    engine.portion = [this](std::vector<RecordFileKey> files) { return portion(std::move(files)); };
    engine.add = [this](replica::Bundle bundle) { return add(std::move(bundle)); };
    engine.challenges = [this] { return m_challenges; };
    engine.takeChallenges = [this](nlohmann::json offer) {
        return takeChallenges(std::move(offer));
    };
    engine.challengesThere = [this] { m_toldChallenges.cancel(); };
    engine.waiting = &m_news;
    engine.changed = m_house.changed;
    return engine;
}

std::vector<TwinAddress> Twins::addresses() const {
    std::vector<TwinAddress> all;
    for (const Config::Twin& twin : m_config.twins) {
        TwinAddress& address = all.emplace_back();
        address.url = address.name = twin.url;
        address.fingerprint = twin.fingerprint;
        address.tokenFile = twin.tokenFile;
    }
    for (const JoinedTwin& twin : m_joined.twins()) {
        if (!twin.url.empty()) {
            TwinAddress& address = all.emplace_back();
            address.url = twin.url;
            address.fingerprint = twin.fingerprint;
            address.tokenFile = m_layout.twinToken(twin.node);
            address.name = twin.name;
            address.node = twin.node;
            address.joined = true;
        }
    }
    return all;
}

void Twins::start() {
    m_running = true;
    follow(m_joined);
}

void Twins::stop() {
    m_running = false;
    for (const auto& twin : m_twins) {
        twin->stop();
    }
    m_twins.clear();
    m_toldChallenges.cancel();
}

/// Calls those that are called from now on, and no others.
void Twins::follow(const replica::TwinsFile& joined) {
    for (const JoinedTwin& twin : m_joined.twins()) {
        const auto isSame = [&](const JoinedTwin& other) { return other.token == twin.token; };
        if (std::none_of(joined.twins().begin(), joined.twins().end(), isSame)) {
            m_news.forget(twin.token);
        }
    }
    m_joined = joined;
    if (!m_running) {
        return;
    }
    const std::vector<TwinAddress> wanted = addresses();
    std::vector<std::shared_ptr<Twin>> twins;
    for (const auto& twin : m_twins) {
        if (std::find(wanted.begin(), wanted.end(), twin->address()) != wanted.end()) {
            twins.push_back(twin);
        } else {
            twin->stop();
            m_news.forget(twin->address().url);
        }
    }
    for (const TwinAddress& address : wanted) {
        const auto isThis = [&](const auto& twin) { return twin->address() == address; };
        if (std::none_of(twins.begin(), twins.end(), isThis)) {
            auto twin = std::make_shared<Twin>(twinEngine(), address, Twin::Pace());
            twins.push_back(twin);
            m_house.spawn(Twin::exchangeAgainAndAgain(twin));
            m_house.spawn(Twin::listen(twin));
            m_house.spawn(Twin::shareChallenges(twin));
        }
    }
    m_twins = std::move(twins);
    m_house.changed();
}

asio::awaitable<void> Twins::reload() {
    auto load = [this] { return replica::TwinsFile::load(m_layout); };
    try {
        const replica::TwinsFile joined = co_await net::offload(m_house.disk, load);
        follow(joined);
    } catch (const Error& error) {
        log::error("the file of twins cannot be read; they stay as they were",
                   {{"cause", error.what()}});
    }
    registryChanged();  // another trust
    co_await judgeChallengesAnew();
}

void Twins::registryChanged() {
    const std::string& digest = m_house.registry()->digest();
    m_feed.tell(digest);
    m_news.mailboxesChanged();
    m_visitors.changed(digest, std::chrono::system_clock::now());
    for (const auto& twin : m_twins) {
        twin->nudge();
    }
}

asio::awaitable<replica::Portion> Twins::portion(std::vector<RecordFileKey> files) {
    auto collect = [this, &files] {
        replica::BundleWriter writer;
        replica::Portion portion;
        while (portion.files < files.size() && !writer.isFull()) {
            const RecordFileKey& key = files[portion.files++];
            if (const auto file = m_house.keeper.file(key)) {
                writer.add(key.mailbox, *file);
            }
        }
        portion.bundles = writer.take();
        return portion;
    };
    co_return co_await net::offload(m_house.records, collect);
}

asio::awaitable<RegistryKeeper::Addition> Twins::add(replica::Bundle bundle) {
    std::exception_ptr failure;
    std::shared_ptr<const Registry> registry;
    auto unite = [this, &bundle, &failure, &registry] {
        RegistryKeeper::Addition addition;
        try {
            addition = m_house.keeper.add(bundle.records);
        } catch (const Error&) {
            failure = std::current_exception();  // of some mailboxes; the others changed
        }
        registry = m_house.keeper.current();
        return addition;
    };
    auto addition = co_await net::offload(m_house.records, unite);
    m_house.takeOver(registry);
    if (failure) {
        std::rethrow_exception(failure);
    }
    addition.refused += bundle.refused;
    co_return addition;
}

asio::awaitable<nlohmann::json> Twins::trusted() {
    auto look = [this] { return trustedByUs(m_house.keeper); };
    co_return co_await net::offload(m_house.records, look);
}

TwinReport Twins::reportOn(const Twin& twin) const {
    const replica::TwinState& state = twin.state();
    TwinReport report;
    report.name = state.name;
    report.node = state.node ? state.node->str() : "";
    report.url = twin.address().url;
    report.version = state.version;
    report.joined = twin.address().joined;
    report.reached = state.error.empty() && state.lastExchange;
    report.connected = state.connected;
    report.inStep = report.reached && state.inStep;
    report.differing = state.differing;
    report.lastExchange = state.lastExchange;
    report.behindSince = state.lastInStep.value_or(m_started);
    report.error = state.error;
    report.advice = state.advice;
    if (report.reached && !report.inStep && report.differing > 0) {
        report.advice =
            "each node lets statements of nodes count that it was paired with: `postern twin "
            "invite` and `twin join` between all of them; `postern status` names what is held back";
    }
    return report;
}

TwinReport Twins::reportOn(const JoinedTwin& joined) const {
    const WallTime now = std::chrono::system_clock::now();
    const replica::Visitor* const visitor = m_visitors.find(joined.token);
    TwinReport report;
    report.name = joined.name;
    report.node = joined.node.str();
    report.joined = true;
    report.connected = m_feed.listens(joined.token);
    report.behindSince = std::max(m_started, joined.joined);
    if (visitor != nullptr) {
        report.version = visitor->greeting.version;
        report.lastExchange = visitor->last;
        report.reached = report.connected || now - visitor->last < kLately;
        report.inStep = report.reached && visitor->greeting.digest == m_house.registry()->digest();
        report.behindSince = visitor->lastInStep.value_or(m_started);
        report.error = visitor->problem;
        if (visitor->greeting.node != joined.node) {
            report.reached = report.inStep = false;
            report.error = "another node shows its token: " + visitor->greeting.node.str() + " (" +
                           visitor->greeting.name + ')';
            report.advice =
                "if that node is not yours the token was stolen: part from the twin "
                "here, and pair the two anew";
        }
    }
    if (!report.reached && report.error.empty() && now - m_started > kLately) {
        report.error =
            "it has not called since " + (visitor != nullptr ? formatTimestamp(visitor->last)
                                                             : std::string("this server started"));
        report.advice =
            "see whether it runs; `postern twin list` there says what keeps it from this node";
    }
    return report;
}

std::vector<TwinReport> Twins::report() const {
    std::vector<TwinReport> all;
    for (const auto& twin : m_twins) {
        all.push_back(reportOn(*twin));
    }
    for (const JoinedTwin& joined : m_joined.twins()) {
        if (joined.url.empty()) {
            all.push_back(reportOn(joined));
        }
    }
    return all;
}

}  // namespace gateway
