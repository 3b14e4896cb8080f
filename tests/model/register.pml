/* One record (one digest) as a register, under leaders whose terms overlap: uploads, deletes, takeover, strays, repair and
 * confirmed reads, as docs/protocol.md and src/core have them. What is modelled, assumed and left out: docs/model.md.
 *
 * One process takes one enabled step after the other; each step is what one node does in one go. A message is a step of
 * its receiver that may come at any later time, in any order, or never: so loss, delay and reordering need no steps of
 * their own. -DBUG_... drops one rule; the test demands that a violation is then found.
 */
#ifndef GIVES_1 /* stamps that the leader of term 1, 2 and 3 may give; 0 in term 3: there is none */
#define GIVES_1 2
#define GIVES_2 1
#define GIVES_3 1
#endif
#ifndef UPLOADS
#define UPLOADS 2 /* clients that upload this content */
#endif
#ifndef DELETES
#define DELETES 1 /* 0: nobody deletes; 1: one Delete is sent, and may arrive late and many times */
#endif
#ifndef AHEAD
#define AHEAD 0 /* 1: a term learned from a record is in memory before it is on disk */
#endif

#ifdef BUG_MAJORITY_ONE_SHORT
#define MAJORITY 1
#else
#define MAJORITY 2
#endif

/* Stamps are 1..STAMPS, ordered by term, then sequence; 0 is no record. A catalog holds the largest stamp merged. */
#define STAMPS (GIVES_1 + GIVES_2 + GIVES_3)
#define TERM(s) ((s) <= GIVES_1 -> 1 : ((s) <= GIVES_1 + GIVES_2 -> 2 : 3))
#define GIVES(t) ((t) == 1 -> GIVES_1 : ((t) == 2 -> GIVES_2 : GIVES_3))
#define BEFORE(t) ((t) == 1 -> 0 : ((t) == 2 -> GIVES_1 : GIVES_1 + GIVES_2))
#define BIT(n) (1 << (n))
#define HAS(mask, n) (((mask) >> (n)) & 1)
#define COUNT(mask) (HAS(mask, 0) + HAS(mask, 1) + HAS(mask, 2))
#define MAX(a, b) ((a) > (b) -> (a) : (b))

/* What a stamp was given to: the number of the upload that brought the content, or a tombstone. */
#define TOMBSTONE 7
#define LIVE(s) (content[s] != 0 && content[s] != TOMBSTONE)

/* Stages of a node. */
#define FOLLOWER 0
#define CANDIDATE 1
#define READING 2
#define WRITING_BACK 3
#define SERVING 4

/* Jobs of a serving leader. */
#define NONE 0
#define NEW_CONTENT 1 /* lands here beside the followers, hidden until it is on a majority */
#define METADATA 2    /* lands here after a majority of followers */
#define DELETE 3      /* the same, a tombstone */

/* Of each node. */
byte term[3];
byte saved[3];  /* the term that is durable; behind `term` only where AHEAD */
byte record[3]; /* the catalog: durable */

/* What a leader knows, in memory. */
byte stage[3];
byte heard[3];   /* CANDIDATE: votes. READING: nodes read */
byte best[3];    /* largest stamp read, */
byte holders[3]; /* and how many of the nodes read hold it */
byte job[3], job_stamp[3], job_copies[3];
byte push_stamp[3], push_copies[3]; /* RecordPush: write-back, strays */
byte unstable[3], beneath[3]; /* hidden: here, but not known to be on a majority; and what was here before */

/* The world. */
byte leader_of[4]; /* node + 1: a term has one candidate that may win (election.pml) */
byte given[4];     /* stamps given in a term */
byte content[STAMPS + 1];
byte delete_expects; /* the stamp in the client's Delete */

/* For the assertions only. */
byte floor;                  /* largest stamp that a client was told of, by an acknowledgement or a confirmed read */
byte answered;               /* uploads that were acknowledged */
byte answered_before_delete; /* when the client sent its Delete */
bit deleted;                 /* the delete was acknowledged */
byte newest_upload;          /* largest stamp of an acknowledged upload */
byte newest_tombstone;       /* largest stamp given to a tombstone */
byte stamp;                  /* result of give_stamp: 0 between steps */

inline leave_office(n) {
  stage[n] = FOLLOWER; heard[n] = 0; best[n] = 0; holders[n] = 0;
  job[n] = NONE; job_stamp[n] = 0; job_copies[n] = 0; push_stamp[n] = 0; push_copies[n] = 0;
  unstable[n] = 0; beneath[n] = 0
}

#define ENTER_TERM(n, t) if :: term[n] < (t) -> leave_office(n); term[n] = t :: else fi

#define CAN_STAMP(n) (given[term[n]] < GIVES(term[n]))
/* A Delete does not touch what was stored, and acknowledged, after the record that it expects. */
#define GIVE_STAMP(n, what) \
  given[term[n]]++; stamp = BEFORE(term[n]) + given[term[n]]; content[stamp] = what; \
  if \
  :: content[stamp] == TOMBSTONE -> newest_tombstone = MAX(newest_tombstone, stamp); \
    assert(!(delete_expects < newest_upload && newest_upload < stamp)) \
  :: else \
  fi

/* What is acknowledged is known to whoever has finished a takeover in a later term. */
#define KNOWS(n, t, s) (stage[n] < WRITING_BACK || term[n] <= (t) || MAX(record[n], best[n]) >= (s))
#define ACKNOWLEDGED(n, s) floor = MAX(floor, s); \
  assert(KNOWS(0, term[n], s) && KNOWS(1, term[n], s) && KNOWS(2, term[n], s))

/* --- Election, as far as records see it: promises are durable before they leave. --- */

#define STAND(n, t) :: d_step { GIVES(t) > 0 && term[n] < t && leader_of[t] == 0 -> \
    leave_office(n); leader_of[t] = n + 1; term[n] = t; saved[n] = t; stage[n] = CANDIDATE; heard[n] = BIT(n) }

#ifdef BUG_PROMISE_NOT_DURABLE
#define SAVE_PROMISE(m) skip
#else
#define SAVE_PROMISE(m) saved[m] = term[m]
#endif
/* A vote for a candidate, or the acknowledgement of a leader's heartbeat. */
#define PROMISE(n, m) :: d_step { stage[n] != FOLLOWER && (term[m] < term[n] || (term[m] == term[n] && saved[m] < term[m])) -> \
    ENTER_TERM(m, term[n]); SAVE_PROMISE(m); \
    if :: stage[n] == CANDIDATE -> heard[n] = heard[n] | BIT(m) :: else fi }

/* Memory is lost; so is what a leader had not finished. */
#define CRASH(m) :: d_step { (stage[m] != FOLLOWER || saved[m] != term[m]) -> leave_office(m); term[m] = saved[m] }

/* --- Takeover. --- */

#define LEAD(n) :: d_step { stage[n] == CANDIDATE && COUNT(heard[n]) >= 2 -> \
    stage[n] = READING; heard[n] = BIT(n); best[n] = record[n]; holders[n] = 1 }

#ifdef BUG_READ_BEFORE_PROMISE
#define PROMISED(n, m) (term[m] <= term[n])
#else
#ifdef BUG_PROMISE_NOT_DURABLE
#define PROMISED(n, m) (term[m] == term[n])
#else
#define PROMISED(n, m) (term[m] == term[n] && saved[m] == term[n])
#endif
#endif
#define READ(n, m) :: d_step { stage[n] == READING && !HAS(heard[n], m) && PROMISED(n, m) -> \
    heard[n] = heard[n] | BIT(m); \
    if :: record[m] > best[n] -> best[n] = record[m]; holders[n] = 1 \
       :: record[m] == best[n] -> holders[n]++ \
       :: else fi }

#ifdef BUG_TAKEOVER_READS_ITSELF
#define READ_ENOUGH(n) true
#else
#define READ_ENOUGH(n) (COUNT(heard[n]) >= MAJORITY)
#endif
#ifdef BUG_NO_WRITE_BACK
#define WIDELY_HELD(n) true
#else
#define WIDELY_HELD(n) (holders[n] >= MAJORITY || best[n] == 0)
#endif
#define SERVE(n) stage[n] = SERVING; heard[n] = 0; best[n] = 0; holders[n] = 0
#define JOIN(n) :: d_step { stage[n] == READING && READ_ENOUGH(n) && WIDELY_HELD(n) -> record[n] = best[n]; SERVE(n) } \
  :: d_step { stage[n] == READING && READ_ENOUGH(n) && !(WIDELY_HELD(n)) && CAN_STAMP(n) -> \
    GIVE_STAMP(n, content[best[n]]); stage[n] = WRITING_BACK; heard[n] = 0; holders[n] = 0; \
    push_stamp[n] = stamp; stamp = 0 }
#define WROTE_BACK(n) :: d_step { stage[n] == WRITING_BACK && HAS(push_copies[n], n) -> \
    push_stamp[n] = 0; push_copies[n] = 0; SERVE(n) }
#define BEGIN_AGAIN(n) :: d_step { stage[n] == WRITING_BACK -> push_stamp[n] = 0; push_copies[n] = 0; \
    stage[n] = READING; heard[n] = BIT(n); best[n] = record[n]; holders[n] = 1 }

/* --- A stamped record lands on a node. --- */

#define GIVEN(s) (given[TERM(s)] >= (s) - BEFORE(TERM(s)))
#define LEADER(s) (leader_of[TERM(s)] - 1)
#define AWAITED(s) (term[LEADER(s)] == TERM(s) && (job_stamp[LEADER(s)] == s || push_stamp[LEADER(s)] == s))
#define COPY(n, m, s) \
    if :: term[n] == TERM(s) && job_stamp[n] == s -> job_copies[n] = job_copies[n] | BIT(m) :: else fi; \
    if :: term[n] == TERM(s) && push_stamp[n] == s -> push_copies[n] = push_copies[n] | BIT(m) :: else fi

/* Under the term that sent it: acknowledged. */
#define LAND(m, s) :: d_step { GIVEN(s) && LEADER(s) != m && term[m] <= TERM(s) && (record[m] < s || AWAITED(s)) -> \
    ENTER_TERM(m, TERM(s)); if :: !AHEAD -> saved[m] = term[m] :: else fi; \
    record[m] = MAX(record[m], s); COPY(LEADER(s), m, s) }

/* Taken in under that term and durable only under a later one: not acknowledged. A leader waited for such writes of its
 * own before it read. */
#ifdef BUG_NO_BARRIER
#define SETTLED(m) true
#else
#define SETTLED(m) (stage[m] < READING)
#endif
#ifdef BUG_NO_TERM_CHECK_AFTER_SYNC
#define COPY_LATE(n, m, s) COPY(n, m, s)
#else
#define COPY_LATE(n, m, s) skip
#endif
#define LAND_LATE(m, s) :: d_step { GIVEN(s) && SETTLED(m) && (term[m] > TERM(s) || (LEADER(s) == m && stage[m] == FOLLOWER)) && \
    record[m] < s -> record[m] = s; COPY_LATE(LEADER(s), m, s) }

/* The leader's own copy: beside the followers', or after a majority of them. */
#ifdef BUG_LANDS_HERE_FIRST
#define FOLLOWERS_HAVE(copies) true
#else
#define FOLLOWERS_HAVE(copies) (COUNT(copies) + 1 >= MAJORITY)
#endif
#define JOB_HERE(n) :: d_step { job[n] != NONE && !HAS(job_copies[n], n) && \
    (job[n] == NEW_CONTENT || FOLLOWERS_HAVE(job_copies[n])) -> \
    record[n] = MAX(record[n], job_stamp[n]); job_copies[n] = job_copies[n] | BIT(n) }
#define PUSH_HERE(n) :: d_step { push_stamp[n] != 0 && !HAS(push_copies[n], n) && FOLLOWERS_HAVE(push_copies[n]) -> \
    record[n] = MAX(record[n], push_stamp[n]); push_copies[n] = push_copies[n] | BIT(n) }

/* --- Uploads. --- */

#define UPLOAD(n, u) :: d_step { u <= UPLOADS && stage[n] == SERVING && job[n] == NONE && !HAS(answered, u) && \
    CAN_STAMP(n) -> \
    GIVE_STAMP(n, u); job_stamp[n] = stamp; stamp = 0; \
    if \
    :: LIVE(record[n]) || push_stamp[n] != 0 -> job[n] = METADATA \
    :: else -> job[n] = NEW_CONTENT; beneath[n] = record[n]; unstable[n] = job_stamp[n] \
    fi }

#define UPLOADED(n) :: d_step { (job[n] == NEW_CONTENT || job[n] == METADATA) && HAS(job_copies[n], n) && \
    COUNT(job_copies[n]) >= MAJORITY -> \
    answered = answered | BIT(content[job_stamp[n]]); \
    newest_upload = MAX(newest_upload, job_stamp[n]); \
    assert(!(delete_expects != 0 && delete_expects < job_stamp[n] && job_stamp[n] < newest_tombstone)); \
    ACKNOWLEDGED(n, job_stamp[n]); \
    job[n] = NONE; job_stamp[n] = 0; job_copies[n] = 0; unstable[n] = 0; beneath[n] = 0 }

/* The client left, or a majority is out of reach: unknown. What is here already stays hidden until it is written back. */
#define FAIL(n) :: d_step { (job[n] == NEW_CONTENT || job[n] == METADATA) -> \
    if :: job[n] == NEW_CONTENT && !HAS(job_copies[n], n) -> unstable[n] = 0; beneath[n] = 0 :: else fi; \
    job[n] = NONE; job_stamp[n] = 0; job_copies[n] = 0 }
#define WRITE_BACK_UNSTABLE(n) :: d_step { stage[n] == SERVING && unstable[n] != 0 && job[n] != NEW_CONTENT && \
    push_stamp[n] == 0 && CAN_STAMP(n) -> \
    GIVE_STAMP(n, content[unstable[n]]); push_stamp[n] = stamp; stamp = 0 }
/* While a record is unstable here, no push is under way but its own. */
#define PUSHED(n) :: d_step { stage[n] == SERVING && push_stamp[n] != 0 && HAS(push_copies[n], n) -> \
    unstable[n] = 0; beneath[n] = 0; push_stamp[n] = 0; push_copies[n] = 0 }
#define PUSH_FAILS(n) :: d_step { stage[n] == SERVING && push_stamp[n] != 0 && !HAS(push_copies[n], n) -> \
    push_stamp[n] = 0; push_copies[n] = 0 }

/* --- Repair: a follower merges what its leader holds; what it holds beyond that is a stray. --- */

#define SYNC(n, m) :: d_step { stage[n] >= READING && term[m] == term[n] && record[m] < record[n] -> record[m] = record[n] }
#define STRAY(n, m) :: d_step { stage[n] == SERVING && term[m] == term[n] && record[m] > record[n] && \
    job[n] == NONE && unstable[n] == 0 && push_stamp[n] == 0 && CAN_STAMP(n) -> \
    GIVE_STAMP(n, (record[n] != 0 -> content[record[n]] : content[record[m]])); push_stamp[n] = stamp; stamp = 0 }

/* --- Delete, with the stamp that the client was told. --- */

#define SEND_DELETE :: d_step { DELETES > 0 && delete_expects == 0 && LIVE(floor) -> \
    delete_expects = floor; answered_before_delete = answered }

#ifdef BUG_DELETE_ANY_STAMP
#define EXPECTED(n) true
#else
#define EXPECTED(n) (record[n] == delete_expects)
#endif
#define BEGIN_DELETE(n) :: d_step { stage[n] == SERVING && delete_expects != 0 && job[n] == NONE && unstable[n] == 0 && \
    LIVE(record[n]) && EXPECTED(n) && CAN_STAMP(n) -> \
    GIVE_STAMP(n, TOMBSTONE); job[n] = DELETE; job_stamp[n] = stamp; stamp = 0 }
#define DELETE_AGAIN(n) :: d_step { job[n] == DELETE && CAN_STAMP(n) -> \
    GIVE_STAMP(n, TOMBSTONE); job_stamp[n] = stamp; job_copies[n] = 0; stamp = 0 }
#ifdef BUG_DELETE_ACKED_EARLY
#define DELETED_ENOUGH(n) true
#else
#define DELETED_ENOUGH(n) (HAS(job_copies[n], n) && COUNT(job_copies[n]) >= MAJORITY)
#endif
#define DELETED(n) :: d_step { job[n] == DELETE && DELETED_ENOUGH(n) -> \
    deleted = 1; ACKNOWLEDGED(n, job_stamp[n]); job[n] = NONE; job_stamp[n] = 0; job_copies[n] = 0 }

/* --- Confirmed reads. A round that begins after the request is acknowledged by a majority, so when the request came that
 * majority was not in a later term: what was known to clients then must be what this leader shows, then and later, for
 * what it shows does not go back while it leads. The answer may come when it is deposed already. --- */

#ifdef BUG_READ_WITHOUT_ROUND
#define CONFIRMS(n) true
#else
#define CONFIRMS(n) ((term[0] <= term[n]) + (term[1] <= term[n]) + (term[2] <= term[n]) >= MAJORITY)
#endif
#ifdef BUG_SHOWS_UNSTABLE
#define SHOWN(n) record[n]
#else
#define SHOWN(n) (unstable[n] != 0 -> beneath[n] : record[n])
#endif
#define DEAD(what) (deleted && HAS(answered_before_delete, what))
#define BEGIN_READ(n) :: d_step { stage[n] == SERVING && CONFIRMS(n) -> \
    stamp = SHOWN(n); \
    assert(stamp >= floor); /* nothing acknowledged or shown before is missing */ \
    assert(!LIVE(stamp) || !DEAD(content[stamp])); /* nothing deleted is back */ \
    stamp = 0 }
#define ANSWER(n) :: d_step { stage[n] == SERVING && SHOWN(n) > floor -> floor = SHOWN(n) }

/* To show that the bounds leave room: the image was deleted, uploaded again, and a later leader shows it. */
#ifdef GOAL
#define REACHED(n) :: d_step { stage[n] == SERVING && term[n] == GOAL && deleted && newest_upload > newest_tombstone && \
    SHOWN(n) == floor && LIVE(floor) -> assert(false) }
#else
#define REACHED(n)
#endif

#define NODE(n) STAND(n, 2) STAND(n, 3) CRASH(n) LEAD(n) JOIN(n) WROTE_BACK(n) BEGIN_AGAIN(n) JOB_HERE(n) PUSH_HERE(n) \
  UPLOAD(n, 1) UPLOAD(n, 2) UPLOADED(n) FAIL(n) WRITE_BACK_UNSTABLE(n) PUSHED(n) PUSH_FAILS(n) \
  BEGIN_DELETE(n) DELETE_AGAIN(n) DELETED(n) BEGIN_READ(n) ANSWER(n) REACHED(n)
#define PAIR(n, m) PROMISE(n, m) READ(n, m) SYNC(n, m) STRAY(n, m)
#define RECORD(s) LAND(0, s) LAND(1, s) LAND(2, s) LAND_LATE(0, s) LAND_LATE(1, s) LAND_LATE(2, s)

active proctype world() {
  /* Node 0 leads term 1, voted for by node 1, over empty catalogs; node 2 may still be behind. */
  d_step {
    term[0] = 1; saved[0] = 1; term[1] = 1; saved[1] = 1;
    leader_of[1] = 1; stage[0] = SERVING
  }
  do
  NODE(0) NODE(1) NODE(2)
  PAIR(0, 1) PAIR(0, 2) PAIR(1, 0) PAIR(1, 2) PAIR(2, 0) PAIR(2, 1)
  RECORD(1) RECORD(2)
#if STAMPS > 2
  RECORD(3)
#endif
#if STAMPS > 3
  RECORD(4)
#endif
#if STAMPS > 4
  RECORD(5)
#endif
#if STAMPS > 5
  RECORD(6)
#endif
  SEND_DELETE
  od
}
