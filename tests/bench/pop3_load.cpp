// The POP3 side of the load, over POP3S: messages out, each one proven, log-ins and lists.
// Never deletes, so that every run finds the same. RFC 1939, 8314.
#include <algorithm>
#include <fstream>
#include <mutex>
#include <semaphore>

#include "tests/bench/crew.h"
#include "tests/bench/loads.h"
#include "tests/bench/message.h"

namespace bench {

namespace {

/// Further ones would wait in the server, which serves an address no more at once.
constexpr std::ptrdiff_t kLoginsAtOnce = 4;

std::string ask(Connection& connection, const std::string& command) {
    connection.send({command, "\r\n"});
    std::string answer(connection.line());
    if (!answer.starts_with("+OK")) {
        throw Trouble(command.substr(0, 4) + ": " + answer);
    }
    return answer;
}

std::unique_ptr<Connection> open(const Server& server, const Account& account) {
    static std::counting_semaphore<kLoginsAtOnce> turns(kLoginsAtOnce);
    auto connection = std::make_unique<Connection>(server);
    connection->startTls();
    connection->line();
    turns.acquire();
    try {
        ask(*connection, "USER " + account.user);
        ask(*connection, "PASS " + account.password);
    } catch (const Trouble&) {
        turns.release();
        throw;
    }
    turns.release();
    return connection;
}

/// The number behind "+OK ".
long countOf(const std::string& stat) { return std::stol(stat.substr(4)); }

/// One RETR; adds the id to `found` where the message is whole.
void fetchOne(Connection& connection, long number, Tally& tally, std::string& found) {
    const auto asked = Clock::now();
    ask(connection, "RETR " + std::to_string(number));
    const std::string_view wire = connection.block();
    tally.count(wire.size(), asked);
    const Verdict verdict = judge(wire);
    if (verdict.whole) {
        found += verdict.id + '\n';
    } else {
        tally.fail("message " + std::to_string(number) + " is not what was sent");
    }
}

}  // namespace

bool fetchMessages(const Options& options) {
    const std::vector<Account> accounts = accountsOf(options.text("accounts"));
    std::ofstream file(options.text("found"), std::ios::app);
    std::mutex writing;
    Crew crew(std::min(options.connections(), accounts.size()), options.time());
    const std::size_t stride = std::min(options.connections(), accounts.size());
    return crew.run([&](Crew::Work& work) {
        std::string found;
        auto connection = open(options.server(), accounts[work.number]);
        work.begin();
        for (std::size_t at = work.number; at < accounts.size(); at += stride) {
            if (!connection) {
                connection = open(options.server(), accounts[at]);
            }
            const long count = countOf(ask(*connection, "STAT"));
            for (long number = 1; number <= count && work.timeLeft(); ++number) {
                fetchOne(*connection, number, work.tally, found);
            }
            ask(*connection, "QUIT");
            connection.reset();
        }
        const std::lock_guard lock(writing);
        file << found;
    });
}

bool logIn(const Options& options) {
    const std::vector<Account> accounts = accountsOf(options.text("accounts"));
    Crew crew(options.connections(), options.time());
    return crew.run([&](Crew::Work& work) {
        const Account& account = accounts[work.number % accounts.size()];
        work.begin();
        while (work.timeLeft()) {
            const auto begun = Clock::now();
            const auto connection = open(options.server(), account);
            ask(*connection, "STAT");
            ask(*connection, "QUIT");
            work.tally.count(0, begun);
        }
    });
}

bool list(const Options& options) {
    const std::vector<Account> accounts = accountsOf(options.text("accounts"));
    Crew crew(1, options.time());
    return crew.run([&](Crew::Work& work) {
        work.begin();
        const auto connection = open(options.server(), accounts.front());
        const auto opened = Clock::now();
        const long count = countOf(ask(*connection, "STAT"));
        ask(*connection, "UIDL");
        connection->block();
        ask(*connection, "LIST");
        work.tally.count(0, opened);  // "seconds" holds the whole way, unlock included
        const std::string_view all = connection->block();
        if (std::count(all.begin(), all.end(), '\n') != count) {
            throw Trouble("LIST and STAT differ");
        }
    });
}

}  // namespace bench
