// The log: one event one line whatever a peer sends, JSON that parses, and a reader that stalls
// costs lines but never time.
#include "gateway/base/log.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <thread>
#include <unistd.h>

#include <doctest/doctest.h>

#include "gateway/base/durable_file.h"

using gateway::Descriptor;
namespace log = gateway::log;

namespace {

/// Standard error led into a pipe, until the end of the test.
class CapturedStandardError {
public:
    explicit CapturedStandardError(int flags = 0) {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC | flags) == 0);
        m_reader = Descriptor(ends[0]);
        m_before = Descriptor(::dup(STDERR_FILENO));
        ::dup2(ends[1], STDERR_FILENO);
        ::close(ends[1]);
    }
    ~CapturedStandardError() {
        restore();
        log::configure(log::Level::Info, log::Format::Text);
    }
    CapturedStandardError(const CapturedStandardError&) = delete;
    CapturedStandardError& operator=(const CapturedStandardError&) = delete;

    void restore() { ::dup2(m_before.get(), STDERR_FILENO); }

    /// All that was written.
    std::string rest() {
        restore();
        return readToEnd();
    }

    /// Reads until restore() was called.
    std::string readToEnd() {
        std::string text;
        for (std::string more = read(); !more.empty(); more = read()) {
            text += more;
        }
        return text;
    }

    /// What one read gives; nothing at the end.
    std::string read() {
        std::array<char, 4096> buffer{};
        const ssize_t got = ::read(m_reader.get(), buffer.data(), buffer.size());
        return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
    }

private:
    Descriptor m_reader;
    Descriptor m_before;
};

std::size_t linesIn(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("an event is one line, with what a peer sent made harmless") {
    CapturedStandardError standardError;
    log::notice("message stored", {{"from", "a\r\nforged=\"1\" \x1b[2J"}, {"size", 12}});
    const std::string text = standardError.rest();
    CHECK(linesIn(text) == 1);
    CHECK(text.find(R"( notice message stored from="a\x0d\x0aforged=\"1\" \x1b[2J" size=12)") !=
          std::string::npos);
}

TEST_CASE("events below the level are not written") {
    CapturedStandardError standardError;
    log::debug("unseen");
    log::configure(log::Level::Warning, log::Format::Text);
    log::notice("unseen");
    log::warning("seen");
    const std::string text = standardError.rest();
    CHECK(linesIn(text) == 1);
    CHECK(text.find("unseen") == std::string::npos);
}

TEST_CASE("a JSON line holds whole fields only, however long they are") {
    CapturedStandardError standardError;
    log::configure(log::Level::Info, log::Format::Json);
    const std::string value = std::string(990, 'x') + "\"\\,";
    log::info("long", {{"a", value}, {"b", value}, {"c", value}, {"d", value}, {"e", value}});
    const std::string text = standardError.rest();
    CHECK(linesIn(text) == 1);
    CHECK(text.ends_with("\"}\n"));
    CHECK(text.find("\"c\":") != std::string::npos);
    CHECK(text.find("\"e\":") == std::string::npos);
}

TEST_CASE("the writer thread writes every line in order") {
    CapturedStandardError standardError;
    log::start();
    for (unsigned i = 0; i < 100; ++i) {
        log::info("event", {{"number", i}});
    }
    log::stop();
    const std::string text = standardError.rest();
    CHECK(linesIn(text) == 100);
    CHECK(text.find("number=0\n") < text.find("number=99\n"));
}

TEST_CASE("lines that come together are written together, and none is cut in two") {
    CapturedStandardError standardError(O_DIRECT);  // each write is read for itself
    REQUIRE(::fcntl(STDERR_FILENO, F_SETPIPE_SZ, 1 << 20) > 0);
    log::start();
    for (unsigned i = 0; i < 500; ++i) {
        log::info("event", {{"number", i}});
    }
    log::stop();
    standardError.restore();
    std::size_t lines = 0;
    std::size_t writes = 0;
    for (std::string text = standardError.read(); !text.empty(); text = standardError.read()) {
        CHECK(text.ends_with('\n'));
        lines += linesIn(text);
        ++writes;
    }
    CHECK(lines == 500);
    CHECK(writes < 250);
}

TEST_CASE("a reader that stalls blocks nobody; what was dropped is counted, and said") {
    CapturedStandardError standardError;
    const auto before = log::dropped();
    log::start();
    std::string text;
    for (int i = 0; i < 30'000; ++i) {  // far beyond the pipe and the queue; nobody reads
        log::info("event", {{"filler", "0123456789012345678901234567890123456789"}});
    }
    CHECK(log::dropped() - before > 10'000);
    std::thread reader([&] { text = standardError.readToEnd(); });
    log::stop();
    standardError.restore();
    reader.join();
    CHECK(text.find("log lines were dropped: nobody read them lines=") != std::string::npos);
}

TEST_CASE("the tail keeps the last lines, bounded by number and by octets, whoever reads") {
    CapturedStandardError standardError;  // nobody reads it: the tail does not wait for that
    log::start();
    const auto before = log::newest();
    for (unsigned i = 0; i < 30'000; ++i) {
        log::info("event", {{"number", i}});
    }
    CHECK(log::newest() == before + 30'000);
    auto lines = log::tail();
    REQUIRE(lines.size() == log::kMostKept);
    CHECK(lines.front().number == before + 29'001);
    CHECK(lines.back().number == before + 30'000);
    CHECK(lines.back().text == "event number=29999");
    CHECK(lines.back().level == log::Level::Info);

    lines = log::tail(before + 29'998);
    REQUIRE(lines.size() == 2);
    CHECK(lines.front().text == "event number=29998");
    CHECK(log::tail(before + 29'000, 3).front().number == before + 29'998);
    CHECK(log::tail(before + 30'000).empty());
    CHECK(log::tail(before + 99'999).empty());

    const std::string filler(900, 'x');
    for (unsigned i = 0; i < 2000; ++i) {
        log::warning("long", {{"a", filler}, {"b", filler}});
    }
    lines = log::tail();
    std::size_t octets = 0;
    for (const log::Line& line : lines) {
        octets += line.text.size();
    }
    CHECK(octets <= log::kMostKeptOctets);
    CHECK(octets > log::kMostKeptOctets - 2000);
    CHECK(lines.back().level == log::Level::Warning);
    std::thread reader([&] { standardError.readToEnd(); });
    log::stop();
    standardError.restore();
    reader.join();
}

TEST_CASE("the tail is text whatever the format, without a control character or half a letter") {
    CapturedStandardError standardError;
    log::configure(log::Level::Info, log::Format::Json);
    log::start();
    std::string umlauts;
    for (int i = 0; i < 499; ++i) {
        umlauts += "ä";
    }
    log::info("odd", {{"peer", "a\r\nb \"c\""}});
    log::info("y",
              {{"a", umlauts}, {"b", umlauts}, {"c", umlauts}, {"d", umlauts}, {"e", umlauts}});
    log::stop();
    standardError.restore();
    const auto lines = log::tail();
    REQUIRE(lines.size() >= 2);
    CHECK(lines[lines.size() - 2].text == R"(odd peer="a\x0d\x0ab \"c\"")");
    CHECK(lines.back().text.size() > 3900);
    CHECK(lines.back().text.ends_with("ä"));
}

TEST_CASE("a reader is woken once by the next line, unless another took its place") {
    CapturedStandardError standardError;
    log::start();
    int replaced = 0;
    int woken = 0;
    log::wakeAtNextLine([&] { ++replaced; });
    log::wakeAtNextLine([&] { ++woken; });
    log::debug("not logged");
    CHECK(woken == 0);
    log::info("one");
    log::info("two");
    CHECK(woken == 1);
    log::wakeAtNextLine([&] { ++woken; });
    log::wakeAtNextLine({});
    log::info("three");
    CHECK(woken == 1);
    CHECK(replaced == 0);
    log::stop();
    standardError.restore();
}
