// What the load generator can do to a server, one function each.
// Never judges: it prints what it saw.
#pragma once

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/connection.h"

namespace bench {

/// The words `--name value` of the command line.
class Options {
public:
    explicit Options(std::vector<std::string> words);
    std::string text(const std::string& name, const std::string& otherwise = "") const;
    long number(const std::string& name, long otherwise) const;
    Server server() const;
    std::size_t connections() const;
    std::chrono::duration<double> time() const;

private:
    std::map<std::string, std::string> m_values;
};

/// A login.
struct Account {
    std::string user;
    std::string password;
};
/// Each line of a file.
std::vector<std::string> linesOf(const std::string& file);
/// Lines of a login and a password.
std::vector<Account> accountsOf(const std::string& file);

/// Each returns whether all went well.
bool sendMessages(const Options& options);   ///< SMTP
bool fetchMessages(const Options& options);  ///< POP3: RETR of all that waits
bool logIn(const Options& options);          ///< POP3: connect, TLS, login, STAT, QUIT
bool list(const Options& options);           ///< POP3: connect to the first octet of LIST
bool stayIdle(const Options& options);       ///< SMTP: connections after STARTTLS
bool makeFiles(const Options& options);      ///< no server: what durable files cost here

}  // namespace bench
