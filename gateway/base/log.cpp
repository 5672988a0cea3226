#include "gateway/base/log.h"

#include <array>
#include <atomic>
#include <climits>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <poll.h>
#include <thread>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/text.h"

namespace gateway::log {

namespace {

constexpr std::size_t kMostQueued = 10'000;
/// A pipe that is writable at all takes PIPE_BUF (4096) octets without blocking, and whole.
constexpr std::size_t kLongestLine = 4000;
constexpr std::size_t kLongestValue = 1000;
constexpr std::chrono::seconds kFlushTime{2};
/// What is logged within this time is written at once: under load that saves a wake-up and two
/// system calls for each message.
constexpr std::chrono::milliseconds kGatherTime{5};

constexpr std::array<std::string_view, 5> kNames{"debug", "info", "notice", "warning", "error"};
/// The priorities of syslog(3), as journald reads them from the start of a line.
constexpr std::array<std::string_view, 5> kPriorities{"<7>", "<6>", "<5>", "<4>", "<3>"};

/// The one mutable global of the house, and with the store's directory syncs the one place with a
/// mutex: every thread logs, and none may wait for the reader of standard error.
struct Sink {
    std::atomic<Level> least{Level::Info};
    std::atomic<Format> format{Format::Text};
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<std::string> queue;
    std::atomic<unsigned long long> dropped{0};
    std::atomic<bool> stopping{false};
    std::thread writer;
    const bool toJournal = std::getenv("JOURNAL_STREAM") != nullptr;
};

Sink& sink() {
    static Sink instance;
    return instance;
}

std::string quotedForText(std::string_view value) {
    std::string safe = printable(value, kLongestValue);
    if (!safe.empty() && safe.find_first_of(" \"=") == std::string::npos) {
        return safe;
    }
    std::string result = "\"";
    for (const char c : safe) {
        if (c == '"') {
            result += '\\';
        }
        result += c;
    }
    return result + '"';
}

std::string quotedForJson(std::string_view value) {
    // printable() leaves neither control characters nor broken UTF-8, so these two remain.
    std::string result = "\"";
    for (const char c : printable(value, kLongestValue)) {
        if (c == '"' || c == '\\') {
            result += '\\';
        }
        result += c;
    }
    return result + '"';
}

std::string asText(Level level, std::string_view event, std::initializer_list<Field> fields) {
    std::string line;
    if (!sink().toJournal) {
        line = formatTimestamp(std::chrono::system_clock::now());
        line += ' ';
        line += kNames.at(static_cast<std::size_t>(level));
        line += ' ';
    }
    line += printable(event, kLongestValue);
    for (const Field& field : fields) {
        line += ' ';
        line += field.key;
        line += '=';
        line += quotedForText(field.value);
    }
    return line;
}

std::string asJson(Level level, std::string_view event, std::initializer_list<Field> fields) {
    std::string line = "{\"time\":\"" + formatTimestamp(std::chrono::system_clock::now()) +
                       "\",\"level\":\"" + std::string(kNames.at(static_cast<std::size_t>(level))) +
                       "\",\"event\":" + quotedForJson(event);
    for (const Field& field : fields) {
        const std::string more =
            ",\"" + std::string(field.key) + "\":" + quotedForJson(field.value);
        if (line.size() + more.size() > kLongestLine - 6) {
            break;  // whole fields only, so that the line stays JSON
        }
        line += more;
    }
    return line + '}';
}

std::string formatLine(Level level, std::string_view event, std::initializer_list<Field> fields) {
    const bool json = sink().format.load() == Format::Json;
    std::string line;
    if (sink().toJournal) {
        line = kPriorities.at(static_cast<std::size_t>(level));
    }
    line += json ? asJson(level, event, fields) : asText(level, event, fields);
    if (line.size() > kLongestLine) {
        line.resize(kLongestLine);
    }
    line += '\n';
    return line;
}

void writeNow(std::string_view line) {
    while (!line.empty()) {
        const ssize_t wrote = ::write(STDERR_FILENO, line.data(), line.size());
        if (wrote <= 0) {
            return;
        }
        line.remove_prefix(static_cast<std::size_t>(wrote));
    }
}

/// Waits until standard error takes a line without blocking; false when there is no hope left.
bool awaitReader(const std::chrono::steady_clock::time_point* deadline) {
    for (;;) {
        pollfd request{STDERR_FILENO, POLLOUT, 0};
        const int ready = ::poll(&request, 1, 200);
        if (ready > 0) {
            return (request.revents & POLLOUT) != 0;
        }
        if (deadline != nullptr && std::chrono::steady_clock::now() > *deadline) {
            return false;
        }
        if (deadline == nullptr && sink().stopping) {
            return false;
        }
    }
}

/// Whole lines, as many as a pipe takes without blocking; at least one.
std::string nextLines(std::deque<std::string>& queue) {
    std::string lines;
    while (!queue.empty() && (lines.empty() || lines.size() + queue.front().size() <= PIPE_BUF)) {
        lines += queue.front();
        queue.pop_front();
    }
    return lines;
}

void drainQueue(std::unique_lock<std::mutex>& lock, unsigned long long& said,
                const std::chrono::steady_clock::time_point* deadline) {
    Sink& s = sink();
    while (!s.queue.empty()) {
        const std::size_t queued = s.queue.size();
        const std::string lines = nextLines(s.queue);
        const std::size_t taken = queued - s.queue.size();
        lock.unlock();
        const bool writable = awaitReader(deadline);
        if (writable) {
            const unsigned long long lost = s.dropped.load();
            if (lost != said) {
                writeNow(formatLine(Level::Warning, "log lines were dropped: nobody read them",
                                    {{"lines", lost - said}}));
                said = lost;
            }
            writeNow(lines);
        } else {
            s.dropped += taken;
        }
        lock.lock();
        if (!writable && s.stopping) {
            return;
        }
    }
}

void writerLoop() {
    Sink& s = sink();
    unsigned long long said = 0;
    std::unique_lock lock(s.mutex);
    while (!s.stopping) {
        s.wake.wait(lock, [&s] { return s.stopping || !s.queue.empty(); });
        s.wake.wait_for(lock, kGatherTime, [&s] { return s.stopping.load(); });
        drainQueue(lock, said, nullptr);
    }
    const auto deadline = std::chrono::steady_clock::now() + kFlushTime;
    drainQueue(lock, said, &deadline);
}

}  // namespace

void configure(Level least, Format format) {
    sink().least = least;
    sink().format = format;
}

void start() {
    Sink& s = sink();
    if (!s.writer.joinable()) {
        s.stopping = false;
        s.writer = std::thread(writerLoop);
    }
}

void stop() {
    Sink& s = sink();
    if (s.writer.joinable()) {
        {
            const std::lock_guard lock(s.mutex);
            s.stopping = true;
        }
        s.wake.notify_all();
        s.writer.join();
        s.writer = std::thread();
    }
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
    Sink& s = sink();
    if (level < s.least.load()) {
        return;
    }
    std::string line = formatLine(level, event, fields);
    if (!s.writer.joinable()) {
        writeNow(line);
        return;
    }
    {
        const std::lock_guard lock(s.mutex);
        if (s.queue.size() >= kMostQueued) {
            ++s.dropped;
            return;
        }
        s.queue.push_back(std::move(line));
        if (s.queue.size() > 1) {
            return;  // the writer is at work, and rests only when the queue is empty
        }
    }
    s.wake.notify_one();
}

unsigned long long dropped() { return sink().dropped.load(); }

}  // namespace gateway::log
