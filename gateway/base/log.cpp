#include "gateway/base/log.h"

#include <algorithm>
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
#include <utility>

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
    std::deque<Line> tail;  ///< under `mutex`, as all that follows but the atomics
    std::size_t tailOctets = 0;
    unsigned long long newest = 0;
    std::function<void()> wakeReader;
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

/// The event and its fields, without time and level.
std::string asText(std::string_view event, std::initializer_list<Field> fields) {
    std::string line = printable(event, kLongestValue);
    for (const Field& field : fields) {
        line += ' ';
        line += field.key;
        line += '=';
        line += quotedForText(field.value);
    }
    if (line.size() > kLongestLine) {
        line.resize(kLongestLine);
        while ((static_cast<unsigned char>(line.back()) & 0xC0U) == 0x80U) {
            line.pop_back();  // of a character that was cut in two
        }
        line.pop_back();
    }
    return line;
}

std::string asJson(WallTime now, Level level, std::string_view event,
                   std::initializer_list<Field> fields) {
    std::string line = "{\"time\":\"" + formatTimestamp(now) + "\",\"level\":\"" +
                       std::string(kNames.at(static_cast<std::size_t>(level))) +
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

/// The line as it is written; `text` is what asText() gives.
std::string formatLine(WallTime now, Level level, std::string_view event,
                       std::initializer_list<Field> fields, const std::string& text) {
    std::string line;
    if (sink().toJournal) {
        line = kPriorities.at(static_cast<std::size_t>(level));
    }
    if (sink().format.load() == Format::Json) {
        line += asJson(now, level, event, fields);
    } else {
        if (!sink().toJournal) {
            line += formatTimestamp(now);
            line += ' ';
            line += nameOf(level);
            line += ' ';
        }
        line += text;
    }
    if (line.size() > kLongestLine) {
        line.resize(kLongestLine);
    }
    line += '\n';
    return line;
}

/// Keeps the line for readers of the tail. Under the sink's mutex.
void keep(Sink& s, WallTime now, Level level, std::string text) {
    s.tailOctets += text.size();
    s.tail.push_back({++s.newest, now, level, std::move(text)});
    while (s.tail.size() > kMostKept || s.tailOctets > kMostKeptOctets) {
        s.tailOctets -= s.tail.front().text.size();
        s.tail.pop_front();
    }
    if (s.wakeReader) {
        std::exchange(s.wakeReader, nullptr)();
    }
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

void sayLost(unsigned long long lines) {
    const std::string_view event = "log lines were dropped: nobody read them";
    const std::initializer_list<Field> fields = {{"lines", lines}};
    writeNow(formatLine(std::chrono::system_clock::now(), Level::Warning, event, fields,
                        asText(event, fields)));
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
                sayLost(lost - said);
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
    const WallTime now = std::chrono::system_clock::now();
    std::string text = asText(event, fields);
    std::string line = formatLine(now, level, event, fields, text);
    if (!s.writer.joinable()) {
        writeNow(line);
        return;
    }
    {
        const std::lock_guard lock(s.mutex);
        keep(s, now, level, std::move(text));
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

std::vector<Line> tail(unsigned long long after, std::size_t most) {
    Sink& s = sink();
    const std::lock_guard lock(s.mutex);
    const auto since = std::upper_bound(
        s.tail.begin(), s.tail.end(), after,
        [](unsigned long long number, const Line& line) { return number < line.number; });
    const auto count = std::min(most, static_cast<std::size_t>(s.tail.end() - since));
    return {s.tail.end() - static_cast<std::ptrdiff_t>(count), s.tail.end()};
}

unsigned long long newest() {
    const std::lock_guard lock(sink().mutex);
    return sink().newest;
}

void wakeAtNextLine(std::function<void()> wake) {
    const std::lock_guard lock(sink().mutex);
    sink().wakeReader.swap(wake);
}

std::string_view nameOf(Level level) { return kNames.at(static_cast<std::size_t>(level)); }

}  // namespace gateway::log
