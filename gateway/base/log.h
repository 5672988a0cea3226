// The log: one event a line on standard error, with journald priorities; text or JSON.
// Never blocks its caller: lines go to a bounded queue and a thread of its own; a reader that
// stalls costs log lines (counted, and said once it reads again), never mail. It never holds a
// secret or a message body: callers pass names, ids, sizes and causes only.
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"

namespace gateway::log {

enum class Level { Debug, Info, Notice, Warning, Error };
enum class Format { Text, Json };

/// One `key=value` of a line. The value may hold any bytes a peer sent; the writer escapes them.
struct Field {
    Field(std::string_view fieldKey, std::string fieldValue)
        : key(fieldKey), value(std::move(fieldValue)) {}
    Field(std::string_view fieldKey, std::string_view fieldValue)
        : key(fieldKey), value(fieldValue) {}
    Field(std::string_view fieldKey, const char* fieldValue) : key(fieldKey), value(fieldValue) {}
    Field(std::string_view fieldKey, unsigned long long number)
        : key(fieldKey), value(std::to_string(number)) {}
    std::string_view key;
    std::string value;
};

/// What is written from now on. Before the first call: Info, Text, and written at once by the
/// calling thread (so that commands need no thread).
void configure(Level least, Format format);

/// Starts the writer thread; from here on write() never blocks. stop() writes out what is queued
/// (at most `kFlushTime`) and joins.
void start();
void stop();

/// Queues one event. `event` is a short phrase in plain words ("message stored"). Any thread.
void write(Level level, std::string_view event, std::initializer_list<Field> fields = {});

/// Lines dropped so far because nobody read standard error. Any thread.
unsigned long long dropped();

/// A line as its tail shows it.
struct Line {
    unsigned long long number = 0;  ///< from 1, without gaps
    WallTime at;
    Level level = Level::Info;
    std::string text;  ///< the event and its fields, as in Format::Text
};

inline constexpr std::size_t kMostKept = 1000;                ///< lines
inline constexpr std::size_t kMostKeptOctets = 512UL * 1024;  ///< of their texts

/// The last lines since start(), those with a greater number than `after`, oldest first; of more
/// than `most` the newest. Any thread; whoever logs waits for no reader, only for the copying.
std::vector<Line> tail(unsigned long long after = 0, std::size_t most = kMostKept);
/// The number of the newest line; 0: there is none.
unsigned long long newest();

/// Calls `wake` once, when the next line is logged: by whichever thread logs it, so it must return
/// at once and may not log. Takes the place of one that was not called yet; after this returned
/// that one is never called. Empty: nobody is woken.
void wakeAtNextLine(std::function<void()> wake);

/// "warning", and the level of that name.
std::string_view nameOf(Level level);

inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::Debug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::Info, event, fields);
}
inline void notice(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::Notice, event, fields);
}
inline void warning(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::Warning, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::Error, event, fields);
}

}  // namespace gateway::log
