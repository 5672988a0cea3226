// A notice as the call that tells it: signed as others verify it, and silent about where it goes.
#include "gateway/alert_webhook.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include <doctest/doctest.h>

#include "crypto/base64.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"
#include "tests/base/temporary_folder.h"

namespace {

using namespace gateway;

const WallTime kNow = parseTimestamp("2026-11-22T10:00:00Z").value();

struct Place {
    explicit Place(const std::string& secret) {
        std::ofstream(folder / "secret") << secret;
        config = parseConfig(
            "domain = \"msgw.test\"\n[alerts]\nwebhook = \"https://hooks.test/topsecret\"\n"
            "webhook_secret_file = \"secret\"\nwebhook_ca_file = \"ca.pem\"\n",
            folder / "postern.toml");
    }
    shim::TemporaryFolder folder;
    Config config;
};

}  // namespace

TEST_CASE("a signature is the one of the specification's example") {
    const Place place("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    const auto secret = readWebhookSecret(place.config);
    REQUIRE(secret);
    CHECK(signatureOf(*secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
                      R"({"test": 2432232314})") ==
          "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST_CASE("a secret is the first line, or what its base64 says") {
    CHECK(readWebhookSecret(Place("0123456789abcdef\n").config)->text() == "0123456789abcdef");
    CHECK(readWebhookSecret(Place("0123456789abcdef  \r\nmore").config)->text() ==
          "0123456789abcdef");
    for (const char* text :
         {"", "\n", "short", "whsec_", "whsec_????????????????????????", "whsec_c2hvcnQ="}) {
        const Place place(text);
        try {
            static_cast<void>(readWebhookSecret(place.config));
            CHECK(false);
        } catch (const Error& error) {
            CHECK(std::string(error.what()).find("holds no secret") != std::string::npos);
            CHECK(std::string(error.what()).find("c2hvcnQ") == std::string::npos);
        }
    }
}

TEST_CASE("the call holds the notice, and nothing it could be stolen by in what is logged") {
    const Place place("0123456789abcdef");
    const Alerts::Notice notice{"019a-open", {{"id", "019a"}, {"text", "\xff no UTF-8"}}};
    const HttpCall call = callOf(place.config, notice, kNow);
    CHECK(call.method == "POST");
    CHECK(call.url == "https://hooks.test/topsecret");
    CHECK(call.caFile == place.folder / "ca.pem");
    CHECK(call.time <= std::chrono::seconds(30));
    const auto body = nlohmann::json::parse(call.body);
    CHECK(body.at("id") == "019a");
    CHECK(body.at("hostname") == "msgw.test");
    CHECK(body.at("at") == "2026-11-22T10:00:00Z");
    REQUIRE(call.headers.size() == 4);
    CHECK(call.headers[1].second == "019a-open");
    CHECK(call.headers[2].second == "1795341600");
    CHECK(call.headers[3].second ==
          signatureOf(*readWebhookSecret(place.config), "019a-open", "1795341600", call.body));
    for (int trouble = 0; trouble <= static_cast<int>(HttpAnswer::Trouble::Stopped); ++trouble) {
        HttpAnswer answer;
        answer.trouble = static_cast<HttpAnswer::Trouble>(trouble);
        answer.cause = "could not reach hooks.test/topsecret";
        CHECK(!wasTaken(answer));
        CHECK(whyNotTaken(answer).find("hooks.test") == std::string::npos);
        CHECK(!whyNotTaken(answer).empty());
    }
    HttpAnswer answer;
    for (const auto& [status, taken] : {std::pair(200, true),
                                        {204, true},
                                        {299, true},
                                        {301, false},
                                        {404, false},
                                        {500, false}}) {
        answer.status = status;
        CHECK(wasTaken(answer) == taken);
    }
    answer.status = 200;
    answer.trouble = HttpAnswer::Trouble::TooLarge;
    CHECK(wasTaken(answer));  // it has it, whatever it goes on to say
}

TEST_CASE("a webhook is an address that nobody else reads on its way") {
    const auto read = [](const std::string& address) {
        return parseConfig("domain = \"msgw.test\"\n[alerts]\nwebhook = \"" + address + "\"\n",
                           "/etc/postern/postern.toml")
            .alerts.webhook;
    };
    for (const char* good : {"", "https://a.test/x", "http://127.0.0.1:9093/x",
                             "http://localhost/x", "http://[::1]:1/"}) {
        CHECK(read(good) == good);
    }
    for (const char* bad :
         {"http://a.test/topsecret", "https://", "topsecret", "ftp://a.test/topsecret",
          "http://127.0.0.1.a.test/topsecret", "https://a.test/top secret"}) {
        try {
            read(bad);
            CHECK_MESSAGE(false, bad);
        } catch (const Error& error) {
            CHECK(std::string(error.what()).find("topsecret") == std::string::npos);
        }
    }
}
