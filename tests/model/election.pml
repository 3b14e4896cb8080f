/* Terms and votes of three nodes, as include/cloudp2p/bully_election.hpp and src/core/election_driver.cpp have them.
 * What is modelled, assumed and left out: docs/model.md.
 *
 * Who stands, when, and whom it waits for is free: any node may stand at any time, and may leave any request unanswered.
 * Bully order, pre-vote and leader stickiness only forbid some of that, so safety can not depend on them. Messages are
 * sets: they are taken in any order, at any later time, several times, or never. -DBUG_... drops one rule.
 */
#ifndef TERMS
#define TERMS 3
#endif

#ifdef BUG_MAJORITY_ONE_SHORT
#define MAJORITY 1
#else
#define MAJORITY 2
#endif

#define BIT(n) (1 << (n))
#define HAS(mask, n) (((mask) >> (n)) & 1)
#define COUNT(mask) (HAS(mask, 0) + HAS(mask, 1) + HAS(mask, 2))

/* In memory: ahead of the disk by what waits to be saved, and nothing that depends on it has left. */
byte term[3];
byte vote[3]; /* node + 1, 0: nobody */
bit standing[3];
byte votes[3]; /* who voted for this candidate */
bit leading[3];
chan saves0 = [2] of {byte, byte};
chan saves1 = [2] of {byte, byte};
chan saves2 = [2] of {byte, byte};

byte saved_term[3];
byte saved_vote[3];

/* What has left: who asks for votes in a term, and who granted one to whom. */
byte asked[TERMS + 1];
byte granted[3 * TERMS + 3];
#define GRANTED(t, c) granted[3 * (t) + (c)]

byte led_by[TERMS + 1]; /* node + 1; for the assertion */

#define LEAVE(n) standing[n] = 0; votes[n] = 0; leading[n] = 0

/* What waits behind the save of term and vote: the request of a candidate, or a vote. */
#define SEND(n, t, v) \
  if \
  :: v == n + 1 -> asked[t] = asked[t] | BIT(n) \
  :: v != 0 && v != n + 1 -> GRANTED(t, v - 1) = GRANTED(t, v - 1) | BIT(n) \
  :: else \
  fi
#ifdef BUG_SENT_BEFORE_SAVE
#define PROMISE(n) saves##n!term[n], vote[n]; SEND(n, term[n], vote[n])
#else
#define PROMISE(n) saves##n!term[n], vote[n]
#endif
#ifdef BUG_VOTE_NOT_DURABLE
#define SAVED_VOTE(v) 0
#else
#define SAVED_VOTE(v) v
#endif
#define SAVE(n) :: d_step { nempty(saves##n) -> saves##n?t, v; \
    saved_term[n] = t; saved_vote[n] = SAVED_VOTE(v); SEND(n, t, v); t = 0; v = 0 }

#define STAND(n) :: d_step { term[n] < TERMS && nfull(saves##n) -> \
    LEAVE(n); term[n]++; vote[n] = n + 1; standing[n] = 1; votes[n] = BIT(n); PROMISE(n) }

#ifdef BUG_TWO_VOTES
#define MAY_GRANT(n, c, t) (term[n] <= t)
#else
#define MAY_GRANT(n, c, t) (term[n] < t || (term[n] == t && (vote[n] == 0 || vote[n] == c + 1)))
#endif
#define GRANT(n, c, t) :: d_step { HAS(asked[t], c) && MAY_GRANT(n, c, t) && !HAS(GRANTED(t, c), n) && nfull(saves##n) -> \
    LEAVE(n); term[n] = t; vote[n] = c + 1; PROMISE(n) }

#define COUNT_VOTE(n, c) :: d_step { standing[c] && HAS(GRANTED(term[c], c), n) && !HAS(votes[c], n) -> \
    votes[c] = votes[c] | BIT(n) }

#define PROMISED(n, t) (saved_term[n] >= (t))
#define LEAD(n) :: d_step { standing[n] && COUNT(votes[n]) >= MAJORITY -> \
    standing[n] = 0; votes[n] = 0; leading[n] = 1; \
    assert(led_by[term[n]] == 0 || led_by[term[n]] == n + 1); /* one leader a term */ \
    assert(PROMISED(0, term[n]) + PROMISED(1, term[n]) + PROMISED(2, term[n]) >= 2); /* durable promises */ \
    led_by[term[n]] = n + 1 }

/* A higher term is met in a leader's message, or in an answer. */
#define ADOPT(n, t) :: d_step { term[n] < t && (asked[t] != 0 || led_by[t] != 0) && nfull(saves##n) -> \
    LEAVE(n); term[n] = t; vote[n] = 0; saves##n!t, 0 }

#define CRASH(n) :: d_step { (standing[n] || leading[n] || nempty(saves##n)) -> \
    LEAVE(n); do :: nempty(saves##n) -> saves##n?_, _ :: else -> break od; \
    term[n] = saved_term[n]; vote[n] = saved_vote[n] }

#define IN_TERM(t) GRANT(0, 1, t) GRANT(0, 2, t) GRANT(1, 0, t) GRANT(1, 2, t) GRANT(2, 0, t) GRANT(2, 1, t) \
  ADOPT(0, t) ADOPT(1, t) ADOPT(2, t)
#define NODE(n) SAVE(n) STAND(n) LEAD(n) CRASH(n)

active proctype world() {
  byte t, v;
  do
  NODE(0) NODE(1) NODE(2)
  COUNT_VOTE(0, 1) COUNT_VOTE(0, 2) COUNT_VOTE(1, 0) COUNT_VOTE(1, 2) COUNT_VOTE(2, 0) COUNT_VOTE(2, 1)
  IN_TERM(1) IN_TERM(2)
#if TERMS > 2
  IN_TERM(3)
#endif
#if TERMS > 3
  IN_TERM(4)
#endif
  od
}
