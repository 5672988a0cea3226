// `postern check`: what an admin would want to know before mail depends on it, one line a finding,
// each with what to do. Changes nothing, but for owners and modes with --fix. Opens a message only
// with --deep and its mailbox's password.
#pragma once

#include <string>

#include "crypto/password.h"
#include "gateway/config.h"

namespace gateway {

/// Collects and prints findings.
class CheckReport {
public:
    void ok(const std::string& area, const std::string& text);
    /// Worth knowing; does not change the exit code.
    void warning(const std::string& area, const std::string& text, const std::string& advice);
    void problem(const std::string& area, const std::string& text, const std::string& advice);
    void fixed(const std::string& area, const std::string& text, const std::string& command);
    std::size_t problems() const { return m_problems; }
    std::size_t warnings() const { return m_warnings; }

private:
    std::size_t m_problems = 0;
    std::size_t m_warnings = 0;
};

/// The parts, in the order of the report. Each finds all it can and throws only what it cannot
/// name.
void checkOwnership(const Config& config, bool fix, CheckReport& report);
void checkPorts(const Config& config, CheckReport& report);
void checkRecords(const Config& config, CheckReport& report);
/// Which mailboxes a lost password would still lock for ever, where there is a recovery key.
void checkRecovery(const Config& config, CheckReport& report);
void checkAdmins(const Config& config, CheckReport& report);
void checkMessages(const Config& config, CheckReport& report);
void checkCertificate(const Config& config, CheckReport& report);
void checkNames(const Config& config, CheckReport& report);
void checkSpace(const Config& config, CheckReport& report);
/// Opens every message of a mailbox wholly. Throws Refusal where the password opens no key of it.
void checkDeep(const Config& config, const std::string& address, const crypto::Password& password,
               CheckReport& report);

struct CheckOptions {
    bool fix = false;
    std::string deep;  ///< the address of a mailbox whose password is asked for; empty for none
};

/// All of it. EX_OK where there is no problem, else EX_DATAERR.
int checkAll(const Config& config, const CheckOptions& options);

}  // namespace gateway
