// The Noise framework against published vectors, and HKDF against RFC 5869.
#include "crypto/noise.hpp"
#include "crypto/hkdf.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>

namespace {

using namespace cloudp2p;
using namespace cloudp2p::crypto;

using Bytes = std::vector<std::byte>;

Bytes unhex(std::string_view hex) {
  Bytes out(hex.size() / 2);
  REQUIRE(from_hex(hex, out));
  return out;
}

SecretKey key_from(std::string_view hex) {
  SecretKey out;
  REQUIRE(from_hex(hex, out.writable()));
  return out;
}

/// Objects, arrays and strings, flattened: "vectors/0/messages/1/payload" → text. All that the vectors' file needs.
class FlatJson {
 public:
  explicit FlatJson(std::string text) : text_(std::move(text)) { value(""); }
  [[nodiscard]] bool has(const std::string& path) const { return leaves_.count(path) != 0; }
  [[nodiscard]] std::string at(const std::string& path) const { return has(path) ? leaves_.at(path) : std::string(); }

 private:
  char next() {
    while (at_ < text_.size() && std::string_view(" \t\r\n,:").find(text_[at_]) != std::string_view::npos)
      ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  std::string string() {
    const std::size_t end = text_.find('"', ++at_);
    REQUIRE(end != std::string::npos);
    std::string out = text_.substr(at_, end - at_);
    at_ = end + 1;
    return out;
  }
  void value(const std::string& path) {
    const char first = next();
    if (first == '"') {
      leaves_[path] = string();
      return;
    }
    REQUIRE((first == '{' || first == '['));
    ++at_;
    for (std::size_t index = 0; next() != '}' && next() != ']'; ++index) {
      REQUIRE(at_ < text_.size());
      const std::string name = first == '{' ? string() : std::to_string(index);
      value(path.empty() ? name : path + "/" + name);
    }
    ++at_;
  }

  std::string text_;
  std::size_t at_ = 0;
  std::map<std::string, std::string> leaves_;
};

HandshakeState side_from(const FlatJson& json, const std::string& vector, std::string_view pattern, bool initiator) {
  const std::string side = vector + (initiator ? "/init_" : "/resp_");
  const Bytes prologue = unhex(json.at(side + "prologue"));
  HandshakeOptions options;
  options.pattern = pattern;
  options.initiator = initiator;
  options.prologue = prologue;
  for (int i = 0; json.has(side + "psks/" + std::to_string(i)); ++i) {
    options.psks.push_back(key_from(json.at(side + "psks/" + std::to_string(i))));
  }
  if (json.has(side + "static")) options.local_static = KeyPair::of(key_from(json.at(side + "static")));
  if (json.has(side + "remote_static")) options.remote_static = PublicKey::from(json.at(side + "remote_static"));
  options.ephemeral = KeyPair::of(key_from(json.at(side + "ephemeral")));
  Result<HandshakeState> made = HandshakeState::create(std::move(options));
  REQUIRE(made.ok());
  return std::move(made).value();
}

/// Plays all messages of one vector; a mismatch fails the test case.
void replay(const FlatJson& json, const std::string& vector, std::string_view pattern) {
  HandshakeState initiator = side_from(json, vector, pattern, true);
  HandshakeState responder = side_from(json, vector, pattern, false);
  std::optional<TransportCiphers> from_initiator;
  std::optional<TransportCiphers> from_responder;
  std::string path;
  for (int i = 0; path = vector + "/messages/" + std::to_string(i), json.has(path + "/payload"); ++i) {
    const Bytes payload = unhex(json.at(path + "/payload"));
    const Bytes expected = unhex(json.at(path + "/ciphertext"));
    const bool first = i % 2 == 0;
    if (!initiator.finished()) {
      Bytes sent;
      REQUIRE((first ? initiator : responder).write_message(payload, sent).ok());
      CHECK(sent == expected);
      const Result<Bytes> read = (first ? responder : initiator).read_message(sent);
      REQUIRE(read.ok());
      CHECK(*read == payload);
      continue;
    }
    if (!from_initiator) {
      from_initiator = initiator.split();
      from_responder = responder.split();
    }
    Bytes sealed(payload.size() + kTagBytes);
    (first ? from_initiator : from_responder)->send.seal({}, payload, sealed.data());
    CHECK(sealed == expected);
    Bytes opened(payload.size());
    CHECK((first ? from_responder : from_initiator)->receive.open({}, sealed, opened.data()));
    CHECK(opened == payload);
  }
  REQUIRE(from_initiator.has_value());
  CHECK(initiator.hash() == responder.hash());
  if (json.has(vector + "/handshake_hash")) CHECK(to_hex(initiator.hash()) == json.at(vector + "/handshake_hash"));
}

HandshakeOptions nn(bool initiator) {
  HandshakeOptions options;
  options.pattern = "NN";
  options.initiator = initiator;
  return options;
}

}  // namespace

TEST_CASE("every published vector for 25519, ChaChaPoly and SHA256 is reproduced") {
  const char* path = std::getenv("CLOUDP2P_NOISE_VECTORS");
  if (path == nullptr) {
    MESSAGE("skipped: CLOUDP2P_NOISE_VECTORS does not name the vectors' file");
    return;
  }
  std::ifstream file(path);
  REQUIRE(file.good());
  const FlatJson json(std::string(std::istreambuf_iterator<char>(file), {}));
  constexpr std::string_view kSuite = "_25519_ChaChaPoly_SHA256";
  int replayed = 0;
  std::string vector;
  for (int i = 0; vector = "vectors/" + std::to_string(i), json.has(vector + "/protocol_name"); ++i) {
    const std::string name = json.at(vector + "/protocol_name");
    const std::size_t suite = name.find(kSuite);
    if (suite == std::string::npos) continue;
    CAPTURE(name);
    replay(json, vector, std::string_view(name).substr(6, suite - 6));
    ++replayed;
  }
  CHECK(replayed == 12);
}

TEST_CASE("a point of small order, which would force an all-zero secret, aborts the handshake") {
  Result<HandshakeState> responder = HandshakeState::create(nn(false));
  REQUIRE(responder.ok());
  const Bytes zero_point(kKeyBytes);
  REQUIRE(responder->read_message(zero_point).ok());
  Bytes answer;
  CHECK(responder->write_message({}, answer).code() == Errc::bad_key);
  CHECK(responder->write_message({}, answer).code() == Errc::protocol);
}

TEST_CASE("handshake messages that are short or out of turn are refused") {
  Result<HandshakeState> initiator = HandshakeState::create(nn(true));
  Result<HandshakeState> responder = HandshakeState::create(nn(false));
  Bytes sent;
  CHECK(responder->write_message({}, sent).code() == Errc::protocol);
  CHECK(responder->read_message(Bytes(31)).code() == Errc::protocol);
  CHECK(initiator->read_message(Bytes(48)).code() == Errc::protocol);
  CHECK(sent.empty());
}

TEST_CASE("a pattern without the keys that it needs is refused before anything is said") {
  HandshakeOptions no_psk = nn(true);
  no_psk.pattern = "NNpsk0";
  CHECK(HandshakeState::create(std::move(no_psk)).code() == Errc::invalid_argument);
  HandshakeOptions no_static = nn(false);
  no_static.pattern = "XX";
  CHECK(HandshakeState::create(std::move(no_static)).code() == Errc::invalid_argument);
  HandshakeOptions unknown = nn(true);
  unknown.pattern = "ZZ";
  CHECK(HandshakeState::create(std::move(unknown)).code() == Errc::invalid_argument);
}

TEST_CASE("after a rekey both sides agree, and the former key opens nothing") {
  const SecretKey key = SecretKey::random();
  CipherState sender(key.copy()), receiver(key.copy()), left_behind(key.copy());
  sender.rekey();
  receiver.rekey();
  const Bytes plain = unhex("00112233");
  Bytes sealed(plain.size() + kTagBytes), opened(plain.size());
  sender.seal({}, plain, sealed.data());
  CHECK_FALSE(left_behind.open({}, sealed, opened.data()));
  CHECK(receiver.open({}, sealed, opened.data()));
  CHECK(opened == plain);
}

TEST_CASE("HKDF reproduces the SHA-256 vectors of RFC 5869") {
  struct Vector {
    std::string input, salt, info, extracted, expanded;
  };
  const auto run = [](int first, int count) {
    std::string out;
    for (int i = 0; i < count; ++i) {
      const std::byte b{static_cast<unsigned char>(first + i)};
      out += to_hex({&b, 1});
    }
    return out;
  };
  std::string input;
  for (int i = 0; i < 22; ++i)
    input += "0b";
  const std::vector<Vector> vectors = {
      {input, run(0x00, 13), run(0xf0, 10), "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
       "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
      {run(0x00, 80), run(0x60, 80), run(0xb0, 80), "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
       "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
       "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
      {input, "", "", "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
       "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
  };
  for (const Vector& vector : vectors) {
    const SecretKey extracted = hkdf_extract(unhex(vector.salt), unhex(vector.input));
    CHECK(to_hex(extracted.view()) == vector.extracted);
    Bytes expanded(vector.expanded.size() / 2);
    hkdf_expand(extracted, unhex(vector.info), expanded);
    CHECK(to_hex(expanded) == vector.expanded);
  }
}
