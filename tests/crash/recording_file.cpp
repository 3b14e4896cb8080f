#include "crash/recording_file.hpp"

#include "support/temporary_folder.hpp"

#include <cstring>
#include <stdexcept>

namespace crash {
namespace {

class Writer {
 public:
  std::string bytes;

  template <class T>
  void plain(T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(std::string& value) {
    std::size_t size = value.size();
    plain(size);
    bytes += value;
  }
};

class Reader {
 public:
  explicit Reader(std::string text) : bytes_(std::move(text)) {}

  template <class T>
  void plain(T& value) {
    std::memcpy(&value, take(sizeof value), sizeof value);
  }
  void text(std::string& value) {
    std::size_t size = 0;
    plain(size);
    value.assign(take(size), size);
  }

 private:
  const char* take(std::size_t size) {
    if (bytes_.size() - at_ < size) throw std::runtime_error("the recording ends too early");
    at_ += size;
    return bytes_.data() + at_ - size;
  }
  const std::string bytes_;
  std::size_t at_ = 0;
};

template <class File, class T, class Each>
void list(File& file, std::vector<T>& items, Each each) {
  std::size_t count = items.size();
  file.plain(count);
  items.resize(count);
  for (T& item : items) each(item);
}

template <class File>
void call(File& file, DiskCall& call) {
  static std::set<std::string> names;  // Of system calls: a handful.
  std::string name = call.call;
  file.text(name);
  call.call = names.insert(name).first->c_str();
  file.plain(call.kind);
  file.plain(call.inode);
  for (Name* each : {&call.name, &call.from}) {
    file.plain(each->folder);
    file.text(each->text);
  }
  file.plain(call.offset);
  file.plain(call.is_folder);
  bool has_bytes = call.bytes != nullptr;
  file.plain(has_bytes);
  if (!has_bytes) return;
  std::string bytes = call.bytes ? *call.bytes : "";
  file.text(bytes);
  call.bytes = std::make_shared<const std::string>(std::move(bytes));
}

template <class File>
void promise(File& file, Promise& promise) {
  file.plain(promise.calls);
  bool of_record = std::holds_alternative<RecordPromise>(promise.what);
  file.plain(of_record);
  if (of_record != std::holds_alternative<RecordPromise>(promise.what)) promise.what = StatePromise{};
  std::visit([&](auto& what) { file.plain(what); }, promise.what);
}

template <class File>
void recording(File& file, Recording& all) {
  list(file, all.logs, [&](DiskLog& log) {
    file.plain(log.node);
    file.text(log.root);
    file.plain(log.given);
    list(file, log.calls, [&](DiskCall& each) { call(file, each); });
    list(file, log.promises, [&](Promise& each) { promise(file, each); });
  });
  list(file, all.peers, [&](cloudp2p::PeerAddress& peer) {
    file.plain(peer.id);
    file.text(peer.address.host);
    file.plain(peer.address.port);
  });
  std::vector<cloudp2p::Digest> deleted(all.deleted.begin(), all.deleted.end());
  list(file, deleted, [&](cloudp2p::Digest& digest) { file.plain(digest); });
  all.deleted = {deleted.begin(), deleted.end()};
}

}  // namespace

void save(const Recording& what, const std::string& path) {
  Writer file;
  Recording copy = what;
  recording(file, copy);
  support::write_file(path, file.bytes);
}

Recording load(const std::string& path) {
  Reader file(support::read_file(path));
  Recording out;
  recording(file, out);
  return out;
}

}  // namespace crash
