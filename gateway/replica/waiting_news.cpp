#include "gateway/replica/waiting_news.h"

#include <algorithm>
#include <array>

#include "gateway/base/json_text.h"
#include "gateway/base/random.h"
#include "gateway/base/text.h"

namespace gateway::replica {

namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr std::size_t kRunDigits = 32;
constexpr std::uint64_t kMostMessages = 1'000'000'000'000;
/// Of what nobody can have waited for.
constexpr std::uint64_t kLongestAge = std::uint64_t{100} * 366 * 24 * 3600;

std::string newRun() {
    std::array<std::byte, kRunDigits / 2> octets{};
    fillRandom(octets);
    return hexOf(octets);
}

bool isRun(std::string_view text) {
    return text.size() == kRunDigits &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string markOf(const std::string& run, std::uint64_t version) {
    return run + '.' + std::to_string(version);
}

/// Whole seconds, and never of the future.
json ageOf(const std::optional<WallTime>& time, WallTime now) {
    if (!time) {
        return nullptr;
    }
    const auto age = std::chrono::duration_cast<seconds>(now - *time).count();
    return static_cast<std::uint64_t>(std::max<decltype(age)>(age, 0));
}

std::optional<WallTime> timeOf(const json& age, WallTime now) {
    if (!age.is_number_unsigned()) {
        return std::nullopt;
    }
    return now - seconds(std::min(age.get<std::uint64_t>(), kLongestAge));
}

std::optional<std::uint64_t> numberIn(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_number_unsigned()
               ? std::optional(found->get<std::uint64_t>())
               : std::nullopt;
}

/// One entry of `mailboxes`.
std::optional<std::pair<MailboxId, Waiting>> entryOf(const json& entry, WallTime now) {
    if (!entry.is_array() || entry.size() < 4 || !entry[0].is_string() ||
        !entry[1].is_number_unsigned()) {
        return std::nullopt;
    }
    auto mailbox = MailboxId::parse(entry[0].get_ref<const std::string&>());
    if (!mailbox) {
        return std::nullopt;
    }
    Waiting waiting;
    waiting.messages = std::min(entry[1].get<std::uint64_t>(), kMostMessages);
    waiting.oldest = timeOf(entry[2], now);
    waiting.fetched = timeOf(entry[3], now);
    return std::pair(std::move(*mailbox), waiting);
}

void noteVisit(WaitingThere& there) {
    const auto& fetched = there.waiting.fetched;
    if (!fetched) {
        return;
    }
    if (!there.lastVisit) {
        there.lastVisit = fetched;
    } else if (*fetched - *there.lastVisit >= WaitingThere::kVisit) {
        there.visitBefore = there.lastVisit;
        there.lastVisit = fetched;
    }
}

}  // namespace

WaitingNews::WaitingNews() : m_run(newRun()) {}

void WaitingNews::set(const MailboxId& mailbox, const Waiting& waiting) {
    Own& own = m_own[mailbox];
    if (own.version == 0 || own.waiting != waiting) {
        own.waiting = waiting;
        own.version = ++m_version;
    }
}

std::string WaitingNews::mark() const { return markOf(m_run, m_version); }

json WaitingNews::tell(std::string_view known, WallTime now) const {
    std::uint64_t from = 0;
    const std::size_t dot = known.find('.');
    if (dot != std::string_view::npos && known.substr(0, dot) == m_run) {
        from = parseDecimal(known.substr(dot + 1)).value_or(0);
        from = from > m_version ? 0 : from;
    }
    std::vector<std::pair<std::uint64_t, const decltype(m_own)::value_type*>> news;
    for (const auto& entry : m_own) {
        if (entry.second.version > from) {
            news.emplace_back(entry.second.version, &entry);
        }
    }
    std::sort(news.begin(), news.end());
    const bool more = news.size() > kMostTold;
    if (more) {
        news.resize(kMostTold);
    }
    json mailboxes = json::array();
    for (const auto& [version, entry] : news) {
        const Waiting& waiting = entry->second.waiting;
        mailboxes.push_back({entry->first.str(), waiting.messages, ageOf(waiting.oldest, now),
                             ageOf(waiting.fetched, now)});
    }
    return {{"run", m_run},
            {"from", from},
            {"to", more ? news.back().first : m_version},
            {"newest", m_version},
            {"mailboxes", std::move(mailboxes)}};
}

std::string WaitingNews::known(const std::string& key) const {
    const auto found = m_heard.find(key);
    return found == m_heard.end() || found->second.run.empty()
               ? std::string()
               : markOf(found->second.run, found->second.version);
}

WaitingNews::Heard& WaitingNews::heardOf(const Teller& teller, WallTime now) {
    if (!m_heard.contains(teller.key) && m_heard.size() >= kMostTellers) {
        m_heard.erase(std::min_element(m_heard.begin(), m_heard.end(), [](auto& a, auto& b) {
            return a.second.told < b.second.told;
        }));
    }
    Heard& heard = m_heard[teller.key];
    if (!heard.mailboxes || heard.teller.node != teller.node) {
        heard = {};
        heard.mailboxes = std::make_shared<const TwinWaiting::Mailboxes>();
    }
    heard.teller = teller;
    heard.told = now;
    return heard;
}

void WaitingNews::hear(const Teller& teller, const json& told, const Registry& registry,
                       WallTime now) {
    const std::string run = textIn(told, "run");
    if (!isRun(run)) {
        return;
    }
    const auto from = numberIn(told, "from");
    const auto to = numberIn(told, "to");
    const auto mailboxes = told.find("mailboxes");
    if (!from || !to || *to < *from || mailboxes == told.end() || !mailboxes->is_array() ||
        mailboxes->size() > kMostTold) {
        return;
    }
    Heard& heard = heardOf(teller, now);
    if (heard.run != run ? *from != 0 : *from > heard.version) {
        return;  // something in between is lacking; known() says so
    }
    TwinWaiting::Mailboxes all = *heard.mailboxes;  // another run knows nothing of past visits
    for (const json& one : *mailboxes) {
        auto entry = entryOf(one, now);
        if (!entry || !registry.find(entry->first)) {
            heard.leftOut = true;
            continue;
        }
        WaitingThere& there = all[entry->first];
        there.waiting = entry->second;
        noteVisit(there);
    }
    heard.run = run;
    heard.version = *to;
    heard.mailboxes = std::make_shared<const TwinWaiting::Mailboxes>(std::move(all));
}

void WaitingNews::confirm(const Teller& teller, const std::string& mark, WallTime now) {
    if (!mark.empty() && known(teller.key) == mark) {
        heardOf(teller, now);
    }
}

void WaitingNews::mailboxesChanged() {
    for (auto& [key, heard] : m_heard) {
        if (heard.leftOut) {
            heard.leftOut = false;
            heard.run.clear();  // what was heard stays until it is told again
        }
    }
}

std::vector<TwinWaiting> WaitingNews::heard(WallTime now) const {
    std::map<std::string, const Heard*> byNode;
    for (const auto& [key, heard] : m_heard) {
        if (now - heard.told > kRemembered) {
            continue;
        }
        const Heard*& best = byNode[heard.teller.node];
        const auto rank = [](const Heard& one) { return std::pair(one.teller.isCalled, one.told); };
        if (best == nullptr || rank(*best) < rank(heard)) {
            best = &heard;
        }
    }
    std::vector<TwinWaiting> all;
    for (const auto& [node, heard] : byNode) {
        all.push_back({node, heard->teller.name, heard->told, heard->mailboxes});
    }
    return all;
}

}  // namespace gateway::replica
