#include "gateway/commands_adopt.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <map>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "crypto/secret_fields.h"
#include "gateway/adoption_parser.h"
#include "gateway/answer.h"
#include "gateway/answer_text.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/command_line.h"
#include "gateway/exit_code.h"
#include "gateway/mailbox_address.h"
#include "gateway/output.h"
#include "gateway/privileges.h"
#include "gateway/progress.h"
#include "gateway/request.h"

namespace gateway {

namespace {

using nlohmann::json;

constexpr std::size_t kLargestFile = 8U << 20U;

/// A table in memory, wiped at the end.
class TableText {
public:
    explicit TableText(const std::string& name) : m_name(name) {
        m_text.resize(kLargestFile + 1);
        const Descriptor file(name == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                          : ::open(name.c_str(), O_RDONLY | O_CLOEXEC));
        if (!file) {
            throw Refusal(EX_NOINPUT, "open " + printable(name) + ": " +
                                          std::generic_category().message(errno));
        }
        while (m_size < m_text.size()) {
            const ssize_t got = ::read(file.get(), &m_text[m_size], m_text.size() - m_size);
            if (got < 0 && errno == EINTR) {
                continue;
            }
            if (check(got, "read", name) == 0) {
                warnIfOpenToOthers(file);
                return;
            }
            m_size += static_cast<std::size_t>(got);
        }
        throw Refusal(EX_DATAERR, printable(name) + " is larger than " +
                                      describeSize(kLargestFile) + ", which no such table is");
    }
    ~TableText() { crypto::wipe(std::span<char>(m_text)); }
    TableText(const TableText&) = delete;
    TableText& operator=(const TableText&) = delete;

    std::string_view view() const { return std::string_view(m_text).substr(0, m_size); }

private:
    void warnIfOpenToOthers(const Descriptor& file) const {
        struct stat found{};
        if (::fstat(file.get(), &found) == 0 && S_ISREG(found.st_mode) &&
            (found.st_mode & (S_IRGRP | S_IROTH)) != 0) {
            log::warning("others may read the file, and the passwords in it",
                         {{"file", m_name},
                          {"remedy",
                           "chmod 600 " + m_name + ", and delete it once the mailboxes are made"}});
        }
    }

    std::string m_name;
    std::string m_text;
    std::size_t m_size = 0;
};

std::string counted(std::size_t mailboxes) {
    return std::to_string(mailboxes) + (mailboxes == 1 ? " mailbox" : " mailboxes");
}

json requestOf(const char* operation, const AdoptedRow& row) {
    json request{{"operation", operation}, {"name", row.name}, {"description", row.description}};
    if (!row.address.empty()) {
        request["address"] = row.address;
    }
    if (row.password) {
        request["password"] = row.password->view();
    }
    return request;
}

/// All rows against one another, and against the mailboxes that there are.
class Examination {
public:
    Examination(const Config& config, AdoptionTable& table, Carrier& carrier)
        : m_config(config), m_table(table), m_carrier(carrier) {}

    /// What there is already: the answer for each such row.
    std::map<const AdoptedRow*, json> run() {
        std::map<const AdoptedRow*, json> existing;
        Progress progress;
        std::size_t done = 0;
        for (const AdoptedRow& row : m_table.rows) {
            progress.show("row " + std::to_string(++done) + " of " +
                          std::to_string(m_table.rows.size()) + " is looked at");
            if (row.name.empty() || isNamedTwice(row)) {
                continue;  // named already
            }
            json answer = m_carrier.ask(requestOf("mailbox.check_new", row));
            const int exit = answer.value("exit", EX_OK);
            if (exit == EX_UNAVAILABLE) {  // it is not about this row
                throw Refusal(exit, answer.value("error", ""));
            }
            if (exit != EX_OK) {
                bad(row, answer.value("error", "no reason given"));
            } else if (answer.value("exists", false)) {
                existing.emplace(&row, std::move(answer));
            }
        }
        return existing;
    }

private:
    void bad(const AdoptedRow& row, std::string why) {
        m_table.bad.emplace_back(row.line, std::move(why));
    }

    bool isNamedTwice(const AdoptedRow& row) {
        if (row.address.empty()) {
            return false;
        }
        try {
            const MailboxId id = mailboxIdOf(row.address, m_config.domain);
            const auto [first, isFirst] = m_lines.emplace(id, row.line);
            if (!isFirst) {
                bad(row, id.str() + " stands in line " + std::to_string(first->second) +
                             " too; leave one of them out");
            }
            return !isFirst;
        } catch (const Refusal&) {
            return false;  // the answer will say so
        }
    }

    const Config& m_config;
    AdoptionTable& m_table;
    Carrier& m_carrier;
    std::map<MailboxId, std::size_t> m_lines;
};

/// Prints each mailbox as soon as it is made: what was shown is not lost when the rest fails.
class Report {
public:
    explicit Report(bool asJson) : m_asJson(asJson) {}

    /// `answer` is wiped of its password.
    void add(const AdoptedRow& row, json answer, bool made) {
        std::string text = m_asJson ? objectOf(row, answer, made) : lineOf(answer, made);
        crypto::wipeSecrets(answer);
        try {
            print(text);
        } catch (const Error& error) {
            crypto::wipe(std::span<char>(text));
            if (!made || row.password) {
                throw;
            }
            throw Error(error.kind(),
                        std::string(error.what()) + "; the mailbox " + textOf(answer, "address") +
                            " was made, but its password could not be shown and is lost: run "
                            "`postern mailbox password --reset` for it");
        }
        crypto::wipe(std::span<char>(text));
        (made ? m_made : m_there) += 1;
        m_showedPassword = m_showedPassword || (made && !row.password);
    }

    std::size_t made() const { return m_made; }

    void finish() const {
        if (m_asJson) {
            print(m_made + m_there == 0 ? "[]\n" : "]\n");
            return;
        }
        std::string text =
            '\n' + counted(m_made) + " made, " + counted(m_there) + " there already.\n";
        if (m_showedPassword) {
            text +=
                "The passwords are shown only this once and kept nowhere: store them now. Without "
                "them nobody\ncan read what arrives there, this gateway included.\n";
        }
        print(text);
    }

private:
    std::string objectOf(const AdoptedRow& row, json& answer, bool made) const {
        answer.erase("ok");
        answer.erase("exists");
        answer["made"] = made;
        answer["line"] = row.line;
        if (!answer.contains("password")) {
            answer["password"] = nullptr;  // whoever wrote the file knows it
        }
        std::string object = oneLineOf(answer);
        object.pop_back();
        return (m_made + m_there == 0 ? "[" : ",") + object;
    }

    static std::string lineOf(const json& answer, bool made) {
        // As wide as a generated password.
        constexpr const char* kAsGiven = "(as in the file)                   ";
        constexpr const char* kAsItWas = "(as it was)                        ";
        std::string text = made ? "made           " : "there already  ";
        text += textOf(answer, "address") + "  ";
        text += answer.contains("password") ? answer.at("password").get_ref<const std::string&>()
                                            : std::string(made ? kAsGiven : kAsItWas);
        return text + "  " + textOf(answer, "name") + '\n';
    }

    bool m_asJson;
    std::size_t m_made = 0;
    std::size_t m_there = 0;
    bool m_showedPassword = false;
};

/// Says what is wrong, line by line; throws Refusal where anything is.
void requireGood(const AdoptionTable& table, const std::string& file) {
    std::map<std::size_t, std::string> inOrder;
    for (const RowRemark& remark : table.bad) {
        std::string& texts = inOrder[remark.line];
        texts += (texts.empty() ? "" : "; ") + remark.text;
    }
    for (const auto& [line, text] : inOrder) {
        complain(printable(file) + ", line " + std::to_string(line) + ": " + text);
    }
    if (!inOrder.empty()) {
        throw Refusal(EX_DATAERR, "nothing was made; mend " + std::to_string(inOrder.size()) +
                                      (inOrder.size() == 1 ? " line" : " lines") + " of " +
                                      printable(file) + " and run the same again");
    }
    if (table.rows.empty()) {
        throw Refusal(EX_DATAERR, printable(file) + " names no mailbox; nothing was made");
    }
}

void makeAll(const AdoptionTable& table, const std::map<const AdoptedRow*, json>& existing,
             Carrier& carrier, Report& report) {
    Progress progress;
    std::size_t done = 0;
    for (const AdoptedRow& row : table.rows) {
        progress.show(std::to_string(done++) + " of " + std::to_string(table.rows.size()) +
                      " mailboxes made");
        const auto there = existing.find(&row);
        json answer = there != existing.end() ? there->second : answerOf([&] {
            return carrier.carryOut(requestOf("mailbox.create", row));
        });
        progress.clear();
        if (!answer.value("ok", false)) {
            report.finish();
            throw Refusal(answer.value("exit", EX_SOFTWARE),
                          "line " + std::to_string(row.line) + ": " +
                              answer.value("error", "no reason given") +
                              "; the mailboxes above are made. Mend that and run the same again: "
                              "those with an address in the file are then there already");
        }
        report.add(row, std::move(answer), there == existing.end());
    }
    report.finish();
}

}  // namespace

int createMailboxesFrom(const Config& config, const std::string& file, bool asJson) {
    beginCommand();
    requireOutput();
    AdoptionTable table;
    {
        const TableText text(file);
        table = parseAdoption(text.view());
    }
    becomeOwnerOf(config.data);
    Carrier carrier(config);
    const auto existing = Examination(config, table, carrier).run();
    requireGood(table, file == "-" ? "standard input" : file);
    for (const RowRemark& remark : table.warnings) {
        log::warning(remark.text, {{"line", remark.line}});
    }
    Report report(asJson);
    makeAll(table, existing, carrier, report);
    return EX_OK;
}

}  // namespace gateway
