// The reader against a slow and obvious model of the same rules, and against every split.
#include "smtp/data_reader.h"

#include <random>

#include <doctest/doctest.h>

namespace {

using smtp::DataReader;

struct Result {
    std::string stored;
    std::string left;  ///< for the next command
    std::uint64_t size = 0;
    bool end = false;
    bool operator==(const Result&) const = default;
};

/// Feeds `wire` in pieces of `piece` octets, the first one `first` long.
Result read(DataReader::Form form, std::string_view wire, std::size_t first, std::size_t piece) {
    DataReader reader(form);
    Result result;
    std::size_t length = first;
    while (!wire.empty() && !result.end) {
        std::string_view input = wire.substr(0, length);
        const std::size_t given = input.size();
        result.end = reader.push(input, result.stored);
        wire.remove_prefix(given - input.size());
        length = piece;
    }
    if (form == DataReader::Form::Chunks) {
        reader.finish(result.stored);
    }
    result.left = wire;
    result.size = reader.size();
    return result;
}

void replaceAll(std::string& text, std::string_view what, std::string_view by) {
    for (std::size_t at = text.find(what); at != std::string::npos;
         at = text.find(what, at + by.size())) {
        text.replace(at, what.size(), by);
    }
}

/// Bare LF becomes CRLF; octet 1 stands for a real CRLF meanwhile (the alphabet has none).
std::string normalised(std::string text) {
    replaceAll(text, "\r\n", "\x01");
    replaceAll(text, "\n", "\r\n");
    replaceAll(text, "\x01", "\r\n");
    return text;
}

/// SPEC of DATA by whole strings: find the end, cut the dots, count, normalise.
Result modelOfDots(std::string_view wire) {
    // A CRLF in front makes the first line like all others.
    std::string text = "\r\n" + std::string(wire);
    Result result;
    const std::size_t end = text.find("\r\n.\r\n");
    result.end = end != std::string::npos;
    if (result.end) {
        result.left = text.substr(end + 5);
        text.resize(end + 2);
    }
    replaceAll(text, "\r\n.", "\r\n");
    result.size = text.size() - 2;
    result.stored = normalised(text).substr(2);
    return result;
}

Result modelOfChunks(std::string_view wire) {
    Result result;
    result.size = wire.size();
    result.stored = normalised(std::string(wire));
    if (!result.stored.empty() && !result.stored.ends_with("\r\n")) {
        result.stored += "\r\n";
    }
    return result;
}

std::string randomWire(std::mt19937& random, std::string_view alphabet) {
    std::string wire;
    wire.resize(random() % 40);
    for (char& c : wire) {
        c = alphabet[random() % alphabet.size()];
    }
    return wire;
}

std::string storedOf(std::string_view wire) {
    const Result result = read(DataReader::Form::Dots, wire, wire.size(), wire.size());
    return result.end ? result.stored : "no end";
}

}  // namespace

TEST_CASE("only CRLF dot CRLF ends the data, RFC 5321 4.1.1.4") {
    CHECK(storedOf("a\r\n.\r\n") == "a\r\n");
    CHECK(storedOf(".\r\n").empty());
    CHECK(storedOf("a\n.\n") == "no end");
    CHECK(storedOf("a\r\n.\n") == "no end");
    CHECK(storedOf("a\n.\r\n") == "no end");
    CHECK(storedOf("a\r.\r") == "no end");
    CHECK(storedOf("a\r.\r\n") == "no end");
    CHECK(storedOf("a\r\n.\r") == "no end");
    CHECK(storedOf("a\r\n.\r\r\n") == "no end");
    CHECK(storedOf("a\n.\r\nb\r\n.\n\r\n.\r\n") == "a\r\n.\r\nb\r\n\r\n\r\n");
    CHECK(storedOf("a\r\r\n.\r\n") == "a\r\r\n");
    CHECK(storedOf(std::string_view("a\r\n\0.\r\n.\r\n", 10)) ==
          std::string_view("a\r\n\0.\r\n", 7));
}

TEST_CASE("one leading dot goes, RFC 5321 4.5.2") {
    CHECK(storedOf("..\r\n...\r\n.a\r\na.\r\n.\r\n") == ".\r\n..\r\na\r\na.\r\n");
    CHECK(storedOf("a\n..\r\n.\r\n") == "a\r\n..\r\n");
}

TEST_CASE("size counts octets as received, less dots, RFC 1870 3") {
    const std::string_view wire = "..a\nb\r\n.\r\n";
    CHECK(read(DataReader::Form::Dots, wire, wire.size(), 1).size == 6);
    CHECK(read(DataReader::Form::Chunks, wire, wire.size(), 1).size == wire.size());
}

TEST_CASE("what follows the end is left alone") {
    std::string_view input = "a\r\n.\r\nQUIT\r\n";
    std::string output;
    DataReader reader(DataReader::Form::Dots);
    CHECK(reader.push(input, output));
    CHECK(input == "QUIT\r\n");
}

TEST_CASE("every split of random input gives what the model says") {
    std::mt19937 random(5321);
    for (int round = 0; round < 20000; ++round) {
        const bool crlf = round % 2 == 0;  // otherwise real ends are too rare
        std::string wire = randomWire(random, std::string_view(crlf ? "\n..a\0" : "\r\n.a\0", 5));
        if (crlf) {
            replaceAll(wire, "\n", random() % 2 == 0 ? "\r\n" : "\r\r\n");
        }
        wire += "\r\n.\r\nNOOP\r\n";
        const Result dots = modelOfDots(wire);
        const Result chunks = modelOfChunks(wire);
        for (std::size_t cut = 1; cut <= wire.size(); ++cut) {
            const std::size_t rest = round % 3 == 0 ? 1 : wire.size();
            REQUIRE(read(DataReader::Form::Dots, wire, cut, rest) == dots);
            REQUIRE(read(DataReader::Form::Chunks, wire, cut, rest) == chunks);
        }
    }
}
