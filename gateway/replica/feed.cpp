#include "gateway/replica/feed.h"

#include <algorithm>

#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

namespace gateway::replica {

namespace {

/// Long enough for who reckons in octets a second to see that something comes.
constexpr std::string_view kNothing = ": all is well here, and nothing has changed\n\n";

}  // namespace

struct Feed::State {
    State(asio::any_io_executor ioThread, std::chrono::milliseconds pause)
        : io(std::move(ioThread)), quiet(pause) {}
    const asio::any_io_executor io;
    const std::chrono::milliseconds quiet;
    std::string digest;
    std::uint64_t challenges = 0;  ///< 0: there were none yet
    std::string waiting;           ///< its mark
    std::set<Stream*> streams;
};

/// One twin that listens.
struct Feed::Stream {
    Stream(std::shared_ptr<State> all, std::string listener, std::function<bool()> counts)
        : state(std::move(all)),
          who(std::move(listener)),
          stillCounts(std::move(counts)),
          alarm(state->io) {
        state->streams.insert(this);
    }
    ~Stream() { state->streams.erase(this); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    const std::shared_ptr<State> state;
    const std::string who;
    const std::function<bool()> stillCounts;
    asio::steady_timer alarm;
    std::string told;         ///< the digest it has heard last
    std::string toldWaiting;  ///< the mark
    std::uint64_t toldChallenges = 0;
    bool knowsAll() const {
        return told == state->digest && toldWaiting == state->waiting &&
               toldChallenges == state->challenges;
    }
    bool over = false;
};

Feed::Feed(asio::any_io_executor io, std::chrono::milliseconds quiet)
    : m_state(std::make_shared<State>(std::move(io), quiet)) {}

Feed::~Feed() {
    for (Stream* const stream : m_state->streams) {
        stream->over = true;
    }
}

void Feed::tell(const std::string& digest) {
    if (m_state->digest == digest) {
        return;
    }
    m_state->digest = digest;
    wake();
}

void Feed::tellWaiting(const std::string& mark) {
    if (m_state->waiting != mark) {
        m_state->waiting = mark;
        wake();
    }
}

void Feed::wake() {
    for (Stream* const stream : m_state->streams) {
        stream->alarm.cancel();
    }
}

void Feed::tellChallenges(std::uint64_t sequence) {
    m_state->challenges = sequence;
    for (Stream* const stream : m_state->streams) {
        stream->alarm.cancel();
    }
}

std::set<std::string> Feed::listeners() const {
    std::set<std::string> all;
    for (const Stream* const stream : m_state->streams) {
        if (!stream->over) {
            all.insert(stream->who);
        }
    }
    return all;
}

bool Feed::listens(const std::string& who) const {
    return std::any_of(m_state->streams.begin(), m_state->streams.end(),
                       [&](const Stream* stream) { return stream->who == who && !stream->over; });
}

std::shared_ptr<const net::HttpStream> Feed::open(std::string who,
                                                  std::function<bool()> stillCounts) {
    for (Stream* const stream : m_state->streams) {
        if (stream->who == who) {
            stream->over = true;
            stream->alarm.cancel();
        }
    }
    if (m_state->streams.size() >= kMostStreams) {
        return nullptr;
    }
    const auto stream = std::make_shared<Stream>(m_state, std::move(who), std::move(stillCounts));
    return std::make_shared<const net::HttpStream>(
        [stream](net::HttpBody& body) { return serve(stream, body); });
}

asio::awaitable<void> Feed::serve(std::shared_ptr<Stream> stream, net::HttpBody& body) {
    const State& state = *stream->state;
    while (!stream->over && stream->stillCounts()) {
        std::string text;
        if (stream->told != state.digest) {
            stream->told = state.digest;
            text = "event: records\ndata: " + state.digest + "\n\n";
        }
        if (stream->toldWaiting != state.waiting) {
            stream->toldWaiting = state.waiting;
            text += "event: waiting\ndata: " + state.waiting + "\n\n";
        }
        if (stream->toldChallenges != state.challenges) {
            stream->toldChallenges = state.challenges;
            text += "event: challenges\ndata: " + std::to_string(state.challenges) + "\n\n";
        }
        co_await body.write(text.empty() ? kNothing : text);
        if (stream->knowsAll() && !stream->over) {
            stream->alarm.expires_after(state.quiet);
            co_await body.wait(stream->alarm);
        }
    }
}

}  // namespace gateway::replica
