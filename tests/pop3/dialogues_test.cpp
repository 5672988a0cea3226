// Replays every dialogue of tests/dialogues/pop3 in memory.
#include <algorithm>

#include <doctest/doctest.h>

#include "gateway/base/error.h"
#include "tests/pop3/dialogue.h"
#include "tests/pop3/memory_gateway.h"

namespace pop3::test {

namespace {

std::vector<std::filesystem::path> dialogues() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry :
         std::filesystem::directory_iterator(POSTERN_TESTS_FOLDER "/dialogues/pop3")) {
        if (entry.path().extension() == ".txt") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

std::optional<std::string> replay(const std::vector<Step>& steps) {
    MemoryGateway gateway;
    return play(steps, gateway);
}

Step step(Step::Kind kind, const std::string& text) { return {"here:1", kind, text, {}}; }

}  // namespace

TEST_CASE("each POP3 dialogue goes as written") {
    const auto files = dialogues();
    CHECK(files.size() >= 30);
    for (const auto& file : files) {
        try {
            const auto wrong = replay(readDialogue(file));
            CHECK_MESSAGE(!wrong, wrong.value_or(""));
        } catch (const std::exception& error) {
            FAIL_CHECK(file.filename().string() << ": " << error.what());
        }
    }
}

TEST_CASE("the player notices what is not as written") {
    using Kind = Step::Kind;
    const Step connect = step(Kind::World, "connect");
    const Step greeting = step(Kind::ServerBegins, "+OK");
    const Step quit = step(Kind::Client, "QUIT");
    CHECK_FALSE(replay({connect, greeting, quit, greeting, step(Kind::World, "closed")}));

    CHECK(replay({connect, step(Kind::ServerBegins, "-ERR")}).value() ==
          "here:1: want -ERR got +OK msgw1.example.com Postern POP3 ready");
    CHECK(replay({connect, step(Kind::ServerIs, "+OK")}));
    CHECK(replay({connect, greeting, greeting}).value() == "here:1: want +OK got nothing");
    CHECK(replay({connect, quit}));                            // the greeting was not read
    CHECK(replay({connect, greeting, quit}));                  // nor the last reply
    CHECK(replay({connect, greeting, quit, greeting, quit}));  // the session has ended
    CHECK(replay({connect, greeting, step(Kind::World, "closed")}));
    CHECK_THROWS_AS(replay({connect, greeting, step(Kind::World, "tls")}), gateway::Error);
    CHECK_THROWS_AS(replay({step(Kind::World, "nonsense")}), gateway::Error);
}

}  // namespace pop3::test
