#include "webui/events.h"

#include <algorithm>
#include <optional>
#include <set>

#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include "gateway/base/log.h"

namespace webui {

namespace {

using gateway::net::ConnectionEnded;
using gateway::net::HttpBody;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

namespace log = gateway::log;

/// Of more lines at once the newest are told; their numbers show that some are missing.
constexpr std::size_t kMostLines = 200;
constexpr const char* kRetry = "retry: 3000\n\n";

std::string eventOf(const char* name, const json& data) {
    return std::string("event: ") + name +
           "\ndata: " + data.dump(-1, ' ', false, json::error_handler_t::replace) + "\n\n";
}

std::string endOf(const char* why) { return eventOf("end", {{"why", why}}); }

}  // namespace

json logLinesOf(const std::vector<log::Line>& lines) {
    json all = json::array();
    for (const log::Line& line : lines) {
        all.push_back({{"number", line.number},
                       {"at", gateway::formatTimestamp(line.at)},
                       {"level", log::nameOf(line.level)},
                       {"text", line.text}});
    }
    return all;
}

struct Events::State : std::enable_shared_from_this<Events::State> {
    State(asio::any_io_executor ioThread, std::function<json()> tellTraffic, Limits most,
          Pace streamPace)
        : io(std::move(ioThread)),
          traffic(std::move(tellTraffic)),
          limits(most),
          pace(streamPace) {}

    void tell(unsigned topics);
    void listenToLog();
    void onLog();

    const asio::any_io_executor io;
    std::function<json()> traffic;  ///< empty once the Events are gone
    const Limits limits;
    const Pace pace;
    std::set<Stream*> streams;
};

/// One browser that watches.
struct Events::Stream {
    Stream(std::shared_ptr<State> all, std::string watcher, bool withLog,
           std::function<bool()> counts)
        : state(std::move(all)),
          who(std::move(watcher)),
          stillCounts(std::move(counts)),
          alarm(state->io) {
        if (withLog) {
            logged = log::newest();
        }
        state->streams.insert(this);
    }
    ~Stream() { state->streams.erase(this); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    void add(unsigned topics) {
        pending |= topics;
        if (waits) {
            alarm.cancel();
        }
    }
    bool isDue(Clock::time_point now) const {
        return logPending || (pending & ~unsigned{Status}) != 0 ||
               (pending != 0 && now >= statusNext);
    }
    std::string take(Clock::time_point now);

    const std::shared_ptr<State> state;
    const std::string who;
    const std::function<bool()> stillCounts;
    asio::steady_timer alarm;
    unsigned pending = 0;
    bool waits = false;  ///< then `alarm` wakes it; else it looks anyway
    bool logPending = false;
    std::optional<unsigned long long> logged;  ///< the last line told; nothing: no log for it
    Clock::time_point statusNext;
};

/// What is to be told now, as octets.
std::string Events::Stream::take(Clock::time_point now) {
    std::string text;
    if ((pending & Traffic) != 0 && state->traffic) {
        const json all = state->traffic();
        text +=
            eventOf("traffic", {{"hour", all.at("hours").back()}, {"day", all.at("days").back()}});
    }
    if ((pending & Mailboxes) != 0) {
        text += eventOf("mailboxes", {{"changed", true}});
    }
    pending &= Status;
    if (pending != 0 && now >= statusNext) {
        text += eventOf("status", {{"changed", true}});
        statusNext = now + state->pace.status;
        pending = 0;
    }
    if (logged) {
        logPending = false;
        state->listenToLog();  // before we look: nothing that comes in between is missed
        const auto lines = log::tail(*logged, kMostLines);
        if (!lines.empty()) {
            logged = lines.back().number;
            text += eventOf("log", {{"lines", logLinesOf(lines)}});
        }
    }
    return text;
}

void Events::State::tell(unsigned topics) {
    for (Stream* const stream : streams) {
        stream->add(topics);
    }
}

/// Whichever thread logs the next line wakes us.
void Events::State::listenToLog() {
    log::wakeAtNextLine([weak = weak_from_this(), executor = io] {
        asio::post(executor, [weak] {
            if (const auto self = weak.lock()) {
                self->onLog();
            }
        });
    });
}

void Events::State::onLog() {
    for (Stream* const stream : streams) {
        if (stream->logged) {
            stream->logPending = true;
            stream->add(0);
        }
    }
}

Events::Events(asio::any_io_executor io, std::function<json()> traffic, Limits limits, Pace pace)
    : m_state(std::make_shared<State>(std::move(io), std::move(traffic), limits, pace)) {}

Events::~Events() {
    log::wakeAtNextLine({});
    m_state->traffic = nullptr;
}

void Events::tell(Topic topic) { m_state->tell(topic); }

std::size_t Events::streams() const { return m_state->streams.size(); }

std::shared_ptr<const gateway::net::HttpStream> Events::open(std::string who, bool withLog,
                                                             std::function<bool()> stillCounts) {
    const auto& streams = m_state->streams;
    const auto own = std::count_if(streams.begin(), streams.end(),
                                   [&](const Stream* stream) { return stream->who == who; });
    if (streams.size() >= m_state->limits.streams ||
        static_cast<std::size_t>(own) >= m_state->limits.ofOne) {
        return nullptr;
    }
    const auto stream =
        std::make_shared<Stream>(m_state, std::move(who), withLog, std::move(stillCounts));
    return std::make_shared<const gateway::net::HttpStream>(
        [stream](HttpBody& body) { return serve(stream, body); });
}

asio::awaitable<void> Events::serve(std::shared_ptr<Stream> stream, HttpBody& body) {
    const Pace& pace = stream->state->pace;
    const char* why = "session";
    co_await body.write(kRetry);
    Clock::time_point sent = Clock::now();
    try {
        while (stream->stillCounts()) {
            const Clock::time_point now = Clock::now();
            std::string text = stream->take(now);
            if (text.empty() && now - sent >= pace.quiet) {
                text = ":\n\n";
            }
            if (!text.empty()) {
                co_await body.write(text);
                sent = now;
                stream->alarm.expires_after(pace.least);
                co_await body.wait(stream->alarm);
            }
            if (!stream->isDue(Clock::now())) {
                const auto quiet = sent + pace.quiet;
                stream->alarm.expires_at(stream->pending != 0 ? std::min(quiet, stream->statusNext)
                                                              : quiet);
                stream->waits = true;
                co_await body.wait(stream->alarm);
                stream->waits = false;
            }
        }
    } catch (const ConnectionEnded& end) {
        if (end.why != ConnectionEnded::Why::Stopping) {
            throw;
        }
        why = "stopping";
    }
    const std::string last = endOf(why);
    co_await body.write(last);
}

}  // namespace webui
