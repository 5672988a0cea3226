// A message on its way into a folder, and what such messages share with the store they go to.
// Never gives a message a name before its data is synced, never shows it before its name is.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "gateway/base/durable_file.h"
#include "gateway/store/directory_store.h"
#include "gateway/store/drop_folder.h"
#include "gateway/store/removals_under_way.h"

namespace gateway {

/// Messages that have their name but are not known to be durable: list() leaves them out. Any
/// thread.
class Arriving {
public:
    void add(const Drop& drop, const MessageId& id);
    void take(const Drop& drop, const MessageId& id) noexcept;
    std::set<MessageId> in(const Drop& drop);

private:
    std::mutex m_mutex;
    std::set<std::pair<Drop, MessageId>> m_messages;
};

struct DirectoryStore::Shared {
    Shared(const Layout& dataLayout, std::function<WallTime()> clock)
        : layout(dataLayout), now(std::move(clock)), folders(dataLayout) {}
    const Layout layout;
    const std::function<WallTime()> now;
    DropFolders folders;
    RemovalsUnderWay removals;
    Arriving arriving;
};

class DirectoryIncoming final : public Incoming {
public:
    DirectoryIncoming(std::shared_ptr<DirectoryStore::Shared> shared, const Drop& drop,
                      const MessageId& id);
    void append(std::span<const std::byte> sealed) override { m_file.write(sealed); }
    void commit() override;
    void withdraw() noexcept override;

private:
    void makeNameDurable();
    bool dropName() noexcept;

    std::shared_ptr<DirectoryStore::Shared> m_shared;
    Drop m_drop;
    MessageId m_id;
    std::shared_ptr<DropFolder> m_folder;
    DurableFile m_file;
    bool m_committed = false;
};

}  // namespace gateway
