#include "gateway/store/directory_incoming.h"

#include <cerrno>
#include <unistd.h>

#include "gateway/base/error.h"
#include "gateway/base/log.h"

namespace gateway {

void Arriving::add(const Drop& drop, const MessageId& id) {
    const std::lock_guard lock(m_mutex);
    m_messages.emplace(drop, id);
}

void Arriving::take(const Drop& drop, const MessageId& id) noexcept {
    const std::lock_guard lock(m_mutex);
    m_messages.erase({drop, id});
}

std::set<MessageId> Arriving::in(const Drop& drop) {
    const std::lock_guard lock(m_mutex);
    std::set<MessageId> ids;
    for (const auto& [folder, id] : m_messages) {
        if (folder == drop) {
            ids.insert(id);
        }
    }
    return ids;
}

DirectoryIncoming::DirectoryIncoming(std::shared_ptr<DirectoryStore::Shared> shared,
                                     const Drop& drop, const MessageId& id)
    : m_shared(std::move(shared)),
      m_drop(drop),
      m_id(id),
      m_folder(m_shared->folders.open(drop)),
      m_file(m_folder->directory(), id.str(), DurableFile::Existing::Refuse) {}

void DirectoryIncoming::commit() {
    m_shared->arriving.add(m_drop, m_id);
    bool linked = false;
    try {
        m_file.link();
        linked = true;
        makeNameDurable();
    } catch (const Error&) {
        // A name that cannot be taken away again stays hidden: nobody was told that it is durable.
        if (!linked || dropName()) {
            m_shared->arriving.take(m_drop, m_id);
        }
        throw;
    }
    m_committed = true;
    m_shared->arriving.take(m_drop, m_id);
}

void DirectoryIncoming::makeNameDurable() {
    m_folder->sync();
    if (!m_folder->directory()->isAtItsPath()) {
        throw Error(Error::Kind::Disk, "store " + m_shared->layout.message(m_drop, m_id).native() +
                                           ": its folder was moved, removed or replaced meanwhile");
    }
}

bool DirectoryIncoming::dropName() noexcept {
    return ::unlinkat(m_folder->directory()->get(), m_id.str().c_str(), 0) == 0 || errno == ENOENT;
}

void DirectoryIncoming::withdraw() noexcept {
    if (!m_committed) {
        return;
    }
    m_committed = false;
    try {
        if (!dropName()) {
            throwErrno("unlink", m_shared->layout.message(m_drop, m_id).native());
        }
        m_folder->sync();
    } catch (const std::exception& error) {
        log::warning(
            "a copy could not be taken back; the sender's next try makes a duplicate",
            {{"mailbox", m_drop.mailbox.str()}, {"message", m_id.str()}, {"cause", error.what()}});
    }
}

}  // namespace gateway
