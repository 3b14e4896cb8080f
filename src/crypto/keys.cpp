#include "crypto/keys.hpp"

#include "crypto/sodium_bytes.hpp"
#include "crypto/sodium_entropy.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace cloudp2p::crypto {
namespace {

constexpr std::string_view kClientPrefix = "client:";
constexpr std::size_t kHexDigits = 2 * kKeyBytes;
constexpr std::size_t kFileBytesMax = 256;
constexpr char kKdfContext[crypto_kdf_CONTEXTBYTES + 1] = "cp2pkeys";
enum class SubKey : std::uint64_t { nodes = 1, clients = 2 };

SecretKey derive(const SecretKey& cluster, SubKey which) {
  SecretKey out;
  crypto_kdf_derive_from_key(raw(out.writable().data()), kKeyBytes, static_cast<std::uint64_t>(which), kKdfContext,
                             raw(cluster.view().data()));
  return out;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string keygen(const std::string& path) {
  return "cloud-p2p-client keygen " + path;
}

Error malformed(std::string_view source, const std::string& what) {
  return Error{Errc::bad_config,
               std::string(source) + ": " + what +
                   "; expected 64 hex digits, as `" + keygen("FILE") + "` or `openssl rand -hex 32` makes"};
}

std::string system_message(int code) {
  return std::generic_category().message(code);
}

Error system_error(const std::string& path, const std::string& what, int code) {
  const Errc kind = code == ENOENT ? Errc::not_found : code == ENOSPC ? Errc::full : Errc::io;
  return Error{kind, path + ": " + what + ": " + system_message(code)};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

/// Text on the stack that is wiped when it goes.
struct SecretText {
  std::array<char, kFileBytesMax> bytes{};
  std::size_t size = 0;

  SecretText() = default;
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  ~SecretText() { sodium_memzero(bytes.data(), bytes.size()); }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes.data(), size}; }
  void append(std::string_view text) {
    std::copy(text.begin(), text.end(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    size += text.size();
  }
  void append_hex(const SecretKey& key) {
    sodium_bin2hex(bytes.data() + size, kHexDigits + 1, raw(key.view().data()), kKeyBytes);
    size += kHexDigits;
  }
};

std::string octal(mode_t mode) {
  std::string out = "0000";
  for (std::size_t i = 4; i-- > 0; mode >>= 3)
    out[i] = static_cast<char>('0' + (mode & 7U));
  return out;
}

Status check_file(int fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return system_error(path, "can not look at the key file", errno);
  if (!S_ISREG(info.st_mode)) return Error{Errc::bad_config, path + ": is not a regular file; a key file was expected"};
  if ((info.st_mode & 077U) == 0) return {};
  return Error{Errc::bad_config, path + ": others than its owner may use this key file (mode " +
                                     octal(info.st_mode & 07777U) + "): run `chmod 600 " + path + "`"};
}

/// `if_missing` ends the sentence that says so.
Status read_key_text(const std::string& path, SecretText& out, const std::string& if_missing) {
  // O_NONBLOCK: a FIFO in the place of the file must not hang the start.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) {
    Error error = system_error(path, "can not open the key file", errno);
    if (error.code == Errc::not_found) error.message += if_missing;
    return error;
  }
  Status checked = check_file(file.get(), path);
  if (!checked) return checked;
  while (out.size < out.bytes.size()) {
    const ssize_t got = ::read(file.get(), out.bytes.data() + out.size, out.bytes.size() - out.size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(path, "can not read the key file", errno);
    if (got == 0) return {};
    out.size += static_cast<std::size_t>(got);
  }
  return malformed(path, "is too long for a key file");
}

Status write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return Errc::io;
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return {};
}

Status sync_folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0 || ::fsync(opened.get()) != 0) return system_error(folder, "can not sync the folder", errno);
  return {};
}

Status create_file(const std::string& path, const SecretText& text) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.get() < 0 && errno == EEXIST) {
    return Error{Errc::exists, path + ": exists already and is not overwritten; choose another name or move it away"};
  }
  if (file.get() < 0) return system_error(path, "can not create the key file", errno);
  if (::fchmod(file.get(), 0600) == 0 && write_all(file.get(), text.view()).ok() && ::fsync(file.get()) == 0) {
    return sync_folder_of(path);
  }
  const int code = errno;
  ::unlink(path.c_str());
  return system_error(path, "can not write the key file", code);
}

}  // namespace

RoleKeys RoleKeys::from_cluster_key(const SecretKey& cluster) {
  return RoleKeys{derive(cluster, SubKey::nodes), derive(cluster, SubKey::clients)};
}

RoleKeys RoleKeys::copy() const {
  return RoleKeys{nodes ? std::optional<SecretKey>(nodes->copy()) : std::nullopt, clients.copy()};
}

Result<SecretKey> parse_key(std::string_view text, std::string_view source) {
  text = trimmed(text);
  if (text.empty()) return malformed(source, "is empty");
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!hex) return malformed(source, "is not hex at character " + std::to_string(i + 1));
  }
  if (text.size() != kHexDigits) return malformed(source, "has " + std::to_string(text.size()) + " hex digits");
  SecretKey key;
  std::size_t length = 0;
  sodium_hex2bin(raw(key.writable().data()), kKeyBytes, text.data(), text.size(), nullptr, &length, nullptr);
  if (sodium_is_zero(raw(key.view().data()), kKeyBytes) != 0) return malformed(source, "is all zeros");
  return key;
}

Result<RoleKeys> parse_role_keys(std::string_view text, std::string_view source) {
  (void)initialise();
  text = trimmed(text);
  const bool client_only = text.substr(0, kClientPrefix.size()) == kClientPrefix;
  Result<SecretKey> key = parse_key(client_only ? text.substr(kClientPrefix.size()) : text, source);
  if (!key) return std::move(key).error();
  if (client_only) return RoleKeys{std::nullopt, std::move(key).value()};
  return RoleKeys::from_cluster_key(key.value());
}

Result<PublicKey> parse_public_key(std::string_view text, std::string_view source) {
  const Result<SecretKey> bytes = parse_key(text, source);
  if (!bytes) return bytes.error();
  PublicKey out;
  std::copy(bytes->view().begin(), bytes->view().end(), out.bytes.begin());
  return out;
}

Result<RoleKeys> load_role_keys(const std::string& path) {
  SecretText text;
  Status read = read_key_text(path, text, "; copy it from a machine of the cluster, or make it, on the first one, with `" +
                                              keygen(path) + "`");
  if (!read) return std::move(read).error();
  return parse_role_keys(text.view(), path);
}

Result<KeyPair> load_identity(const std::string& path) {
  SecretText text;
  Status read = read_key_text(path, text, "; `" + keygen(path) + "` makes one");
  if (!read) return std::move(read).error();
  Result<SecretKey> secret = parse_key(text.view(), path);
  if (!secret) return std::move(secret).error();
  return KeyPair::of(std::move(secret).value());
}

Status create_key_file(const std::string& path, const SecretKey& key) {
  SecretText text;
  text.append_hex(key);
  text.append("\n");
  return create_file(path, text);
}

Status create_client_key_file(const std::string& path, const SecretKey& cluster) {
  SecretText text;
  text.append(kClientPrefix);
  text.append_hex(derive(cluster, SubKey::clients));
  text.append("\n");
  return create_file(path, text);
}

}  // namespace cloudp2p::crypto
