// Whose records a catalogue holds: one row, beside the records.
#include "store/sqlite_records.hpp"

namespace cloudp2p::store {

Result<std::optional<Incarnation>> RecordTable::owner() {
  Result<Statement> select = database_.prepare("SELECT incarnation FROM owner");
  if (!select.ok()) return select.error();
  Query query(*select);
  const Result<bool> row = query.step();
  if (!row.ok()) return row.error();
  if (!*row) return std::optional<Incarnation>();
  const ByteView stored = query.blob_at(0);
  Incarnation out;
  if (stored.size() != out.bytes.size()) return database_.damaged("its owner is damaged");
  std::copy(stored.begin(), stored.end(), out.bytes.begin());
  return std::optional<Incarnation>(out);
}

Status RecordTable::claim(const Incarnation& owner) {
  Result<Statement> replace = database_.prepare("INSERT OR REPLACE INTO owner VALUES (1, ?1)");
  if (!replace.ok()) return replace.error();
  Query query(*replace);
  query.blob(owner.bytes);
  return query.finish();
}

}  // namespace cloudp2p::store
