#include "gateway/check.h"

#include <filesystem>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "crypto/age_stream.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"
#include "gateway/control.h"
#include "gateway/exit_code.h"
#include "gateway/look_inside.h"
#include "gateway/output.h"
#include "gateway/privileges.h"

namespace gateway {

namespace {

constexpr std::chrono::seconds kPatience{5};

void line(const char* verdict, const std::string& area, const std::string& text,
          const std::string& advice) {
    print(std::string(verdict) + area + ": " + printable(text, 2000) +
          (advice.empty() ? "" : " → " + printable(advice, 2000)) + '\n');
}

/// When the running server expects space to come to store.min_free; empty where it does not, or
/// cannot be asked.
std::string endOfRoom(const Config& config) {
    try {
        const auto told = askServer(Layout(config.data), {{"operation", "status"}}, {}, kPatience);
        const auto projected =
            told ? told->at("disk").value("projected", nlohmann::json()) : nlohmann::json();
        return projected.is_string() ? projected.get<std::string>() : "";
    } catch (const Error&) {
        return "";  // checkNetwork() says that the server cannot be asked
    } catch (const nlohmann::json::exception&) {
        return "";  // a server of another version
    }
}

void checkConfig(const Config& config, CheckReport& report) {
    report.ok("config", config.file.native() + " is right");
    for (const std::string& key : config.withoutEffect) {
        report.warning("config", config.where(key) + " has no effect in this version",
                       "leave it for a later one, or remove it");
    }
}

/// Runs one part; what stops it becomes a finding, and the others still run.
template <typename Part>
void guarded(CheckReport& report, const char* area, Part part) {
    try {
        part();
    } catch (const Error& error) {
        report.problem(area, error.what(),
                       error.kind() == Error::Kind::Permission
                           ? "run this as root or as the owner of the data directory"
                           : "mend that, then check again");
    }
}

}  // namespace

void CheckReport::ok(const std::string& area, const std::string& text) {
    line("ok       ", area, text, "");
}

void CheckReport::warning(const std::string& area, const std::string& text,
                          const std::string& advice) {
    ++m_warnings;
    line("warning  ", area, text, advice);
}

void CheckReport::problem(const std::string& area, const std::string& text,
                          const std::string& advice) {
    ++m_problems;
    line("problem  ", area, text, advice);
}

void CheckReport::fixed(const std::string& area, const std::string& text,
                        const std::string& command) {
    line("fixed    ", area, text, command);
}

void checkSpace(const Config& config, CheckReport& report) {
    struct statvfs found{};
    check(::statvfs(config.data.c_str(), &found), "look at", config.data.native());
    const std::uint64_t free = std::uint64_t{found.f_bavail} * found.f_frsize;
    const std::string text = describeSize(free) + " free below " + config.data.native() +
                             ", of which " + describeSize(config.store.minFree) + " are kept free";
    if (free <= config.store.minFree) {
        report.problem("space", text,
                       "senders wait: make room, or lower " + config.where("store.min_free"));
    } else if (free - config.store.minFree < config.smtp.maxMessageSize) {
        report.warning("space", text, "make room: the largest message would not fit any more");
    } else if (const std::string end = endOfRoom(config); !end.empty()) {
        report.warning("space", text + ", and none is left for mail at " + end,
                       "make room: that is the pace of the last day");
    } else {
        report.ok("space", text);
    }
}

int checkAll(const Config& config, const CheckOptions& options) {
    std::optional<crypto::Password> password;
    if (!options.deep.empty()) {
        password = askForPasswordOf(options.deep);
    }
    CheckReport report;
    checkConfig(config, report);
    struct stat found{};
    if (::stat(config.data.c_str(), &found) != 0) {
        const bool missing = errno == ENOENT;
        report.problem(
            "data", config.data.native() + (missing ? " does not exist" : " cannot be reached"),
            missing ? "start `postern serve` once, which makes it, or mend " + config.where("data")
                    : "run this as root or as its owner");
    } else {
        guarded(report, "owners", [&] { checkOwnership(config, options.fix, report); });
        guarded(report, "ports", [&] { checkPorts(config, report); });
        // From here on as the server: what it cannot read is a finding, and no file of another
        // user can be reached through a link that its owner planted.
        becomeOwnerOf(config.data);
        guarded(report, "records", [&] { checkRecords(config, report); });
        guarded(report, "recovery", [&] { checkRecovery(config, report); });
        guarded(report, "admins", [&] { checkAdmins(config, report); });
        guarded(report, "messages", [&] { checkMessages(config, report); });
        if (password) {
            guarded(report, "deep", [&] { checkDeep(config, options.deep, *password, report); });
        }
        guarded(report, "certificate", [&] { checkCertificate(config, report); });
        guarded(report, "space", [&] { checkSpace(config, report); });
    }
    guarded(report, "names", [&] { checkNames(config, report); });
    print(std::to_string(report.problems()) + " problems, " + std::to_string(report.warnings()) +
          " warnings\n");
    return report.problems() == 0 ? EX_OK : EX_DATAERR;
}

}  // namespace gateway
