// keygen, config: no cluster needed.
#include "commands.hpp"

namespace client {

using cloudp2p::JsonWriter;

int run_keygen(Session& session, const Command& command) {
  const std::string& path = command.arguments.front();
  const cloudp2p::Status made = cloudp2p::generate_key_file(path);
  if (!made) return session.out.failure(made.error());
  if (session.out.json()) {
    session.out.object([&](JsonWriter& json) { json.field("key_file", path); });
  } else if (session.out.quiet()) {
    session.out.print(path);
  } else {
    session.out.success({"Wrote a new key to " + shown(path)});
    session.out.note(
        "Copy it to every node and client (readable by its owner only), and start them with\n"
        "  --encryption-key-file " +
        shown(path));
  }
  return 0;
}

int run_config(Session& session, const Command& command) {
  const cloudp2p::Result<cloudp2p::Config*> config = session.config();
  if (!config) return session.out.failure(config.error());
  if (command.arguments.front() == "show") {
    std::string text = cloudp2p::to_json(**config);
    if (session.out.json()) {  // One line, like every other object.
      std::string line;
      for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\n') line += text[i];
        while (text[i] == '\n' && i + 1 < text.size() && text[i + 1] == ' ')
          ++i;
      }
      text = std::move(line);
    }
    text.erase(text.find_last_not_of('\n') + 1);
    session.out.print(text);
    return 0;
  }
  // Opening reads the key files; nothing is connected before it is needed.
  if (const auto host = session.host(); !host) return session.out.failure(host.error());
  if (session.out.json()) {
    session.out.object([&](JsonWriter& json) {
      json.field("valid", true).key("warnings").begin_array();
      for (const std::string& warning : (*config)->warnings)
        json.value(warning);
      json.end_array();
    });
  } else {
    for (const std::string& warning : (*config)->warnings)
      session.out.note("warning: " + warning);
    const std::string& file = (*config)->source_file;
    session.out.success({"The configuration is valid: " + std::to_string((*config)->peers.size()) + " nodes" +
                         (file.empty() ? "" : ", from " + shown(file))});
  }
  return 0;
}

}  // namespace client
