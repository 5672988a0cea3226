#include "gateway/commands_receipts.h"

#include <nlohmann/json.hpp>
#include <sysexits.h>

#include "gateway/answer_text.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/exit_code.h"
#include "gateway/mailbox_address.h"
#include "gateway/output.h"
#include "gateway/store/receipt_history.h"

namespace gateway {

namespace {

using nlohmann::json;

/// What is printed at once.
constexpr std::size_t kPiece = 64UL * 1024;

struct ReceiptsArguments {
    std::string address;
    std::string since;
    bool json = false;
    bool csv = false;
};

/// What a receipt tells, in the order of its columns; empty where it is not known.
struct Column {
    const char* name;
    std::string (*text)(const Receipt&);
};

std::string timeOf(const std::optional<WallTime>& time) {
    return time ? formatTimestamp(*time) : std::string();
}

constexpr std::array<Column, 10> kColumns{{
    {"id", [](const Receipt& receipt) { return receipt.id.str(); }},
    {"received", [](const Receipt& receipt) { return timeOf(receipt.received); }},
    {"octets",
     [](const Receipt& receipt) {
         return receipt.received ? std::to_string(receipt.file.octets) : std::string();
     }},
    {"peer", [](const Receipt& receipt) { return receipt.peer; }},
    {"tls", [](const Receipt& receipt) { return receipt.tls; }},
    {"fetched", [](const Receipt& receipt) { return timeOf(receipt.fetched); }},
    {"deleted", [](const Receipt& receipt) { return timeOf(receipt.deleted); }},
    {"purged", [](const Receipt& receipt) { return timeOf(receipt.purged); }},
    {"node",
     [](const Receipt& receipt) { return receipt.node ? receipt.node->str() : std::string(); }},
    {"sha256",
     [](const Receipt& receipt) {
         return receipt.received ? hexOf(receipt.file.sha256) : std::string();
     }},
}};

/// Prints in pieces: there may be millions.
class Pieces {
public:
    void add(const std::string& text) {
        m_text += text;
        if (m_text.size() >= kPiece) {
            end();
        }
    }
    void end() {
        print(m_text);
        m_text.clear();
    }

private:
    std::string m_text;
};

void printJson(const std::vector<Receipt>& receipts) {
    Pieces pieces;
    const char* before = "[";
    for (const Receipt& receipt : receipts) {
        json object = json::object();
        for (const Column& column : kColumns) {
            const std::string text = column.text(receipt);
            object[column.name] = text.empty() ? json() : json(text);
        }
        if (receipt.received) {
            object["octets"] = receipt.file.octets;
        }
        pieces.add(before + object.dump());
        before = ",";
    }
    pieces.add(receipts.empty() ? "[]\n" : "]\n");
    pieces.end();
}

/// No field holds a comma, a quote or a line end: parseReceiptLine() takes none.
void printCsv(const std::vector<Receipt>& receipts) {
    Pieces pieces;
    std::string row;
    for (const Column& column : kColumns) {
        row += (row.empty() ? "" : ",") + std::string(column.name);
    }
    pieces.add(row + '\n');
    for (const Receipt& receipt : receipts) {
        row.clear();
        for (const Column& column : kColumns) {
            row += (row.empty() ? "" : ",") + column.text(receipt);
        }
        pieces.add(row + '\n');
    }
    pieces.end();
}

void printTable(const std::vector<Receipt>& receipts) {
    std::vector<std::vector<std::string>> rows(
        1, {"ID", "RECEIVED", "OCTETS", "FROM", "TLS", "FETCHED", "DELETED"});
    for (const Receipt& receipt : receipts) {
        std::vector<std::string>& row = rows.emplace_back();
        for (std::size_t i = 0; i < rows.front().size(); ++i) {
            const std::string text = kColumns.at(i).text(receipt);
            row.push_back(text.empty() ? "-" : text);
        }
    }
    print(receipts.empty() ? "No receipt is kept here.\n" : asTable(rows));
}

std::optional<WallTime> sinceOf(const std::string& text) {
    if (text.empty()) {
        return std::nullopt;
    }
    const auto day = parseTimestamp(text + "T00:00:00Z");
    const auto time = day ? day : parseTimestamp(text);
    if (!time) {
        throw Refusal(EX_USAGE, printable(text, 80) +
                                    " is no day (2026-11-22) and no time (2026-11-22T10:00:00Z), "
                                    "both in UTC");
    }
    return time;
}

int showReceipts(const Config& config, const ReceiptsArguments& arguments) {
    const MailboxId mailbox = mailboxIdOf(arguments.address, config.domain);
    const ReceiptsRead read = readReceipts(Layout(config.data), mailbox, sinceOf(arguments.since));
    for (const std::filesystem::path& file : read.newer) {
        log::warning("not shown: a newer Postern wrote it", {{"file", file.native()}});
    }
    if (read.damagedLines > 0) {
        log::warning("lines that are no receipts were passed over",
                     {{"folder", Layout(config.data).receipts(mailbox).native()},
                      {"lines", read.damagedLines}});
    }
    if (arguments.json) {
        printJson(read.receipts);
    } else if (arguments.csv) {
        printCsv(read.receipts);
    } else {
        printTable(read.receipts);
    }
    return EX_OK;
}

}  // namespace

void addReceiptsCommand(CLI::App& app, CommandLine& line) {
    const auto typed = std::make_shared<ReceiptsArguments>();
    CLI::App* receipts =
        addCommand(app, line, "receipts", "What a mailbox took on this node, and what became of it",
                   asOwner(showReceipts, typed));
    addAddress(*receipts, typed->address);
    receipts
        ->add_option("--since", typed->since, "Only messages stored since that day or time (UTC)")
        ->type_name("TIME");
    CLI::Option* asArray = receipts->add_flag("--json", typed->json, "Print one line of JSON");
    receipts->add_flag("--csv", typed->csv, "Print comma-separated values")->excludes(asArray);
}

}  // namespace gateway
