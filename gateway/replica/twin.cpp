#include "gateway/replica/twin.h"

#include <algorithm>
#include <atomic>

#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include "gateway/base/log.h"
#include "gateway/base/random.h"
#include "gateway/base/text.h"

namespace gateway::replica {

namespace {

using Clock = std::chrono::steady_clock;

/// A stream of changes lasts so long at most, and so many octets.
constexpr std::chrono::hours kLongestListening{6};
constexpr std::size_t kMostHeard = std::size_t{4} << 20U;
/// The twin says every 15 s that all is well.
constexpr std::chrono::seconds kLongestSilence{45};
constexpr std::size_t kLongestLine = 1024;
constexpr std::chrono::milliseconds kFirstPause{1000};
constexpr std::string_view kData = "data: ";
constexpr std::string_view kEvent = "event: ";

/// Three to five quarters of it, so that nodes that lost each other at one moment do not come back
/// at one moment.
std::chrono::milliseconds jittered(std::chrono::milliseconds pause) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(pause *
                                                                 (0.75 + randomFraction() / 2));
}

asio::awaitable<void> rest(asio::steady_timer& timer, std::chrono::milliseconds time) {
    timer.expires_after(time);
    asio::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace

/// Takes the stream apart on the client's thread.
struct Twin::Ear {
    Ear(asio::any_io_executor ioThread, std::weak_ptr<Twin> listener)
        : io(std::move(ioThread)), twin(std::move(listener)) {}

    bool take(std::string_view octets) {
        tellTwin("");
        for (const char octet : octets) {
            if (octet != '\n') {
                line += octet;
            } else {
                takeLine();
                line.clear();
            }
            if (line.size() > kLongestLine) {
                return false;
            }
        }
        return !over;
    }

    /// A field of an event, or the end of one. Events of other names are a later version's.
    void takeLine() {
        if (line.empty()) {
            event.clear();
        } else if (line.starts_with(kEvent)) {
            event = line.substr(kEvent.size());
        } else if (line.starts_with(kData)) {
            takeData(line.substr(kData.size()));
        }
    }

    void takeData(const std::string& data) {
        if (event == "records" && isDigest(data)) {
            tellTwin(data);
        } else if (event == "waiting") {
            tell([data](Twin& self) { self.heardOfWaiting(data); });
        } else if (const auto number = parseDecimal(data); event == "challenges" && number) {
            tell([sequence = *number](Twin& self) { self.heardChallenges(sequence); });
        }
    }

    /// Empty: only that the stream is open.
    void tellTwin(std::string digest) {
        if (digest.empty() && told) {
            return;
        }
        told = true;
        tell([what = std::move(digest)](Twin& self) { self.heard(what); });
    }

    /// On the I/O thread, where the twin is still there.
    template <typename Action>
    void tell(Action action) {
        asio::post(io, [listener = twin, todo = std::move(action)] {
            if (const auto self = listener.lock()) {
                todo(*self);
            }
        });
    }

    const asio::any_io_executor io;
    const std::weak_ptr<Twin> twin;
    std::string line;
    bool told = false;
    std::string event;  ///< whose fields come
    std::atomic<bool> over = false;
};

Twin::Twin(TwinEngine engine, TwinAddress address, Pace pace)
    : m_engine(std::move(engine)),
      m_address(std::move(address)),
      m_pace(pace),
      m_pause(m_engine.io),
      m_listenPause(m_engine.io),
      m_challengePause(m_engine.io) {
    m_state.name = m_address.name;
    m_state.node = m_address.node;
}

void Twin::stop() {
    m_over = true;
    if (m_ear) {
        m_ear->over = true;
    }
    m_pause.cancel();
    m_listenPause.cancel();
    m_challengePause.cancel();
}

void Twin::nudge() {
    m_wanted = true;
    if (m_failures == 0) {  // else it is not there; the pause grows with reason
        m_pause.cancel();
    }
}

std::chrono::milliseconds Twin::pauseAfter(unsigned failures) const {
    const auto grown = kFirstPause * (1U << std::min(failures, 6U));
    return jittered(std::min<std::chrono::milliseconds>(grown, m_pace.longestPause));
}

asio::awaitable<void> Twin::exchangeAgainAndAgain(std::shared_ptr<Twin> self) {
    while (!self->m_over) {
        self->m_wanted = false;
        const bool done = co_await self->attempt();
        self->m_failures = done ? 0 : self->m_failures + 1;
        if (self->m_over) {
            break;
        }
        if (done) {
            // Changes that come together are exchanged together.
            co_await rest(self->m_pause, self->m_pace.least);
            if (!self->m_wanted && !self->m_over) {
                co_await rest(self->m_pause, jittered(self->m_pace.every));
            }
        } else {
            co_await rest(self->m_pause, self->pauseAfter(self->m_failures - 1));
        }
    }
}

asio::awaitable<bool> Twin::attempt() {
    std::optional<Trouble> trouble;
    try {
        co_await exchange();
    } catch (const Trouble& why) {
        trouble = why;
    } catch (const std::exception& error) {
        trouble = Trouble{error.what(), "see the log of both nodes"};
    }
    if (!m_over) {
        note(trouble);
    }
    co_return !trouble;
}

/// Logs what is new only: a twin may be away for days.
void Twin::note(const std::optional<Trouble>& trouble) {
    const WallTime now = std::chrono::system_clock::now();
    const bool was = m_state.failingSince.has_value();
    const std::string before = m_state.error;
    m_state.error = trouble ? trouble->text : "";
    m_state.advice = trouble ? trouble->advice : "";
    if (trouble) {
        m_state.inStep = false;
        m_state.failingSince = m_state.failingSince.value_or(now);
    } else {
        m_state.lastExchange = now;
        m_state.failingSince.reset();
    }
    if (trouble && before != m_state.error) {
        log::warning(
            "no exchange of records with a twin; it is tried again and again",
            {{"twin", m_address.url}, {"cause", trouble->text}, {"advice", trouble->advice}});
    } else if (!trouble && was) {
        log::notice("the exchange of records with a twin works again", {{"twin", m_address.url}});
    }
    m_engine.changed();
}

void Twin::setConnected(bool connected) {
    if (m_state.connected != connected) {
        m_state.connected = connected;
        log::info(connected ? "a twin tells its changes at once"
                            : "a twin tells its changes no more; it is asked every minute",
                  {{"twin", m_address.url}});
        m_engine.changed();
        if (connected && offersChallenges()) {  // it may have been away
            challengesChanged();
        }
    }
}

void Twin::heard(const std::string& digest) {
    if (m_over) {
        return;
    }
    setConnected(true);
    if (!digest.empty() && (digest != m_engine.registry()->digest() || m_failures > 0)) {
        m_wanted = true;
        m_pause.cancel();
    }
}

void Twin::heardOfWaiting(const std::string& mark) {
    if (!m_over && m_failures == 0 && m_engine.waiting != nullptr && !m_theirMark.empty() &&
        mark != m_engine.waiting->known(m_address.url)) {
        m_wanted = true;
        m_pause.cancel();
    }
}

asio::awaitable<void> Twin::listen(std::shared_ptr<Twin> self) {
    unsigned failures = 0;
    while (!self->m_over) {
        const auto begun = Clock::now();
        try {
            co_await self->readToken();
            HttpCall call = self->callOf("GET", "/events");
            call.time = kLongestListening;
            call.quiet = kLongestSilence;
            call.mostBody = kMostHeard;
            self->m_ear = std::make_shared<Ear>(self->m_engine.io, self);
            call.sink = [ear = self->m_ear](std::string_view octets) { return ear->take(octets); };
            co_await self->m_engine.send(std::move(call));
        } catch (const Trouble&) {
            self->m_ear.reset();  // exchange() says what is wrong with the token
        }
        failures = Clock::now() - begun > kLongestSilence ? 0 : failures + 1;
        if (!self->m_over) {
            if (self->m_state.connected) {  // an exchange finds out, and tells, what is wrong
                self->m_wanted = true;
                self->m_pause.cancel();
            }
            self->setConnected(false);
            co_await rest(self->m_listenPause, self->pauseAfter(failures));
        }
    }
}

}  // namespace gateway::replica
