// The files under acme/ of the data directory: account, state, and the certificate with its key.
// Never shows a key to others (0600), never replaces a pair by halves: both are in one file.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "acme/jws.h"
#include "acme/order.h"
#include "acme/renewal.h"

namespace acme {

/// An order that was begun and has not ended: what it takes to go on with it.
struct KeptOrder {
    std::string url;
    std::string account;  ///< that made it
    Ordered wish;
    gateway::WallTime until;  ///< from then on another one is made, whatever became of it
    std::string key;          ///< PEM, of the certificate
};

/// Blocking; for workers. Every member throws Error where the disk does not do its part.
class AcmeFolder {
public:
    /// Made where it is missing.
    explicit AcmeFolder(std::filesystem::path folder);

    struct Opened {
        AccountKey key;
        Account account;
        std::string notice;  ///< what the admin should know of it; or empty
    };
    /// The account at that authority. A key is made where there is none, and is on the disk before
    /// anybody sees it. Throws Error(Corrupt) where the key is damaged: a new one would be another
    /// account, which a CAA record may forbid, so the admin decides.
    Opened openAccount(const std::string& directory);
    /// The same where it was used before, without a look at its key; an empty one where not.
    Account knownAccount(const std::string& directory) const;
    void saveAccount(const std::string& directory, const AccountKey& key, const Account& account);

    /// The default where there is none, or a damaged one. One that a newer version wrote is never
    /// written over.
    RenewalState loadState();
    void saveState(const RenewalState& state);

    /// A new key for the order to come, kept beside the certificate until that is there. An order
    /// that was kept is forgotten.
    std::string newKey();
    /// With the key of newKey(), or of keptOrder().
    void keepOrder(const KeptOrder& order);
    /// Nothing where there is none, it is damaged or too old, or its certificate is in place.
    std::optional<KeptOrder> keptOrder(gateway::WallTime now) const;
    void forgetOrder();
    /// Puts key and chain in the certificate's place, in one step; the order has ended then.
    void install(const std::string& chain, const std::string& key);
    /// The PEM text of the certificate with its chain; nothing where there is none.
    std::optional<std::string> certificate() const;

    /// Chain and key, in one file.
    std::filesystem::path certificateFile() const { return m_folder / "certificate.pem"; }
    std::filesystem::path accountFolder(const std::string& directory) const;

private:
    bool isInPlace(const std::string& keySha256) const;
    std::filesystem::path stateFile() const { return m_folder / "state.json"; }
    std::filesystem::path orderFile() const { return m_folder / "order.json"; }
    std::filesystem::path nextKeyFile() const { return m_folder / "next.key"; }

    std::filesystem::path m_folder;
    bool m_stateIsNewer = false;
};

}  // namespace acme
