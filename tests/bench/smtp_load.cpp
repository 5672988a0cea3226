// The SMTP side of the load: messages in, over STARTTLS, and idle sessions.
// Never pipelines: each answer is awaited, as most senders do. RFC 5321, 3207.
#include <atomic>
#include <fstream>
#include <iostream>
#include <mutex>

#include "tests/bench/crew.h"
#include "tests/bench/loads.h"
#include "tests/bench/message.h"

namespace bench {

namespace {

/// The last line of an answer, which must begin with `code`.
void expect(Connection& connection, char code, const char* what) {
    for (;;) {
        const std::string_view line = connection.line();
        if (line.size() < 4 || line[3] != '-') {
            if (line.empty() || line[0] != code) {
                throw Trouble(std::string(what) + ": " + std::string(line));
            }
            return;
        }
    }
}

std::unique_ptr<Connection> open(const Server& server) {
    auto connection = std::make_unique<Connection>(server);
    expect(*connection, '2', "greeting");
    connection->send({"EHLO bench.example\r\n"});
    expect(*connection, '2', "EHLO");
    connection->send({"STARTTLS\r\n"});
    expect(*connection, '2', "STARTTLS");
    connection->startTls();
    connection->send({"EHLO bench.example\r\n"});
    expect(*connection, '2', "EHLO");
    return connection;
}

/// Returns the moment at which the last octet was sent.
Clock::time_point sendOne(Connection& connection, const Messages::Message& message,
                          const std::string& recipient) {
    connection.send({"MAIL FROM:<journal@example.com>\r\n"});
    expect(connection, '2', "MAIL");
    connection.send({"RCPT TO:<", recipient, ">\r\n"});
    expect(connection, '2', "RCPT");
    connection.send({"DATA\r\n"});
    expect(connection, '3', "DATA");
    connection.send({message.header, message.body, message.end, ".\r\n"});
    const auto sent = Clock::now();
    expect(connection, '2', "end of data");
    return sent;
}

}  // namespace

bool sendMessages(const Options& options) {
    const Messages messages(static_cast<std::size_t>(options.number("size", 4096)),
                            options.text("run", "run"));
    const std::vector<std::string> recipients = linesOf(options.text("recipients"));
    const long most = options.number("most", 1L << 40);
    std::ofstream acknowledged(options.text("acknowledged"), std::ios::app);
    std::mutex writing;
    std::atomic<long> next = 0;
    Crew crew(options.connections(), options.time());
    return crew.run([&](Crew::Work& work) {
        const auto connection = open(options.server());
        work.begin();
        std::string ids;
        while (work.timeLeft()) {
            const long number = next++;
            if (number >= most) {
                break;
            }
            const Messages::Message message = messages.make(number);
            const auto index = static_cast<std::size_t>(number) % recipients.size();
            const auto sent = sendOne(*connection, message, recipients[index]);
            work.tally.count(message.header.size() + message.body.size() + message.end.size(),
                             sent);
            ids += message.id + '\n';
        }
        const std::lock_guard lock(writing);
        acknowledged << ids;
    });
}

bool stayIdle(const Options& options) {
    std::vector<std::unique_ptr<Connection>> connections;
    for (std::size_t number = 0; number < options.connections(); ++number) {
        connections.push_back(open(options.server()));
    }
    std::cout << "ready" << std::endl;
    std::string go;
    std::getline(std::cin, go);
    std::cout << R"({"done": )" << connections.size() << R"(, "failed": 0})" << std::endl;
    return true;
}

}  // namespace bench
