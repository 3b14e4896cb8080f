/* Who counts as a voter when a node has lost its state: incarnations, memberships and votes of three nodes, as
 * include/cloudp2p/detail/bully_election_candidate.hpp and _leader.hpp have them. See docs/model.md.
 *
 * Votes need no disk of their own here (election.pml has that): a node that is up keeps what it promised, and node 0 may
 * once lose everything and come back as another incarnation. The membership names one incarnation for each node; only
 * node 0's changes, so a membership is (term, version, who is bound to node 0's id).
 */
#ifndef TERMS
#define TERMS 3
#endif

#define BIT(n) (1 << (n))
#define HAS(mask, n) (((mask) >> (n)) & 1)

/* Bound to node 0's id. */
#define OLD 1
#define NOBODY 0
#define NEW 2

/* Memberships in the order in which the leader makes them; their versions are their numbers. */
#define M_OLD 1
#define M_NOBODY 2
#define M_NEW 3
#define BOUND(version) ((version) == M_OLD -> OLD : ((version) == M_NEW -> NEW : NOBODY))
#ifdef BUG_ONE_CHANGE
#define NEXT(version) M_NEW
#else
#define NEXT(version) ((version) + 1)
#endif
#define NEWER(t1, v1, t2, v2) ((t1) > (t2) || ((t1) == (t2) && (v1) > (v2)))

byte incarnation = OLD; /* of node 0 */
byte term[3] = 1;
byte vote[3];
byte m_term[3] = 1;        /* the membership adopted: the term in which it was proposed, */
byte m_version[3] = M_OLD; /* and its version */
bit standing[3];
bit leading[3];

/* Votes that have left for a candidate in its present term; of node 0 as either incarnation. The newest membership among
 * those that were counted. */
#define OF_OLD 3
#define OF_NEW 4
byte sent[3], counted[3];
byte sent_m_term[15], sent_m_version[15]; /* of candidate c by voter v: at 5 * c + v */
byte base_term[3], base_version[3];

/* A leader's change: uncommitted until a majority, of the membership before it too, holds the present one. */
byte held[3], previous[3];
byte led_by[TERMS + 1];

#define AS(n) (n == 0 -> (incarnation == OLD -> OF_OLD : OF_NEW) : n)
#define FORGET(c, v) sent_m_term[5 * c + v] = 0; sent_m_version[5 * c + v] = 0
#define LEAVE(n) standing[n] = 0; leading[n] = 0; counted[n] = 0; base_term[n] = 0; base_version[n] = 0; held[n] = 0; \
  previous[n] = 0; sent[n] = 0; FORGET(n, 1); FORGET(n, 2); FORGET(n, OF_OLD); FORGET(n, OF_NEW)

/* Is a majority of the membership in the set? Its bits: 1, 2, and OF_OLD or OF_NEW for node 0. */
#define VOTERS(set, version) (HAS(set, 1) + HAS(set, 2) + (BOUND(version) == OLD && HAS(set, OF_OLD)) + \
  (BOUND(version) == NEW && HAS(set, OF_NEW)))

#define TAKE(c, v) \
  if :: NEWER(sent_m_term[5 * c + v], sent_m_version[5 * c + v], base_term[c], base_version[c]) -> \
    base_term[c] = sent_m_term[5 * c + v]; base_version[c] = sent_m_version[5 * c + v] :: else fi

#define STAND(n) :: d_step { term[n] < TERMS && !leading[n] -> \
    LEAVE(n); term[n]++; vote[n] = n + 1; standing[n] = 1; counted[n] = BIT(AS(n)); \
    base_term[n] = m_term[n]; base_version[n] = m_version[n] }
#define STEP_DOWN(n) :: d_step { leading[n] -> LEAVE(n) }

/* A vote with what the voter has adopted. It leaves once, and may be counted at any later time. */
#define GRANT(n, c) :: d_step { standing[c] && (term[n] < term[c] || (term[n] == term[c] && vote[n] == 0)) -> \
    LEAVE(n); term[n] = term[c]; vote[n] = c + 1; sent[c] = sent[c] | BIT(AS(n)); \
    sent_m_term[5 * c + AS(n)] = m_term[n]; sent_m_version[5 * c + AS(n)] = m_version[n] }
#define COUNT_VOTE(c, v) :: d_step { standing[c] && HAS(sent[c], v) -> \
    sent[c] = sent[c] - BIT(v); counted[c] = counted[c] | BIT(v); TAKE(c, v); FORGET(c, v) }

/* A candidate counts itself. A membership proposed in the candidate's own term tells of another leader of that term. */
#define COUNTS_ITSELF(n) (n != 0 || BOUND(base_version[n]) == incarnation)
#ifdef BUG_LEADER_OF_TERM_IGNORED
#define NOBODY_LEADS(n) true
#else
#define NOBODY_LEADS(n) (base_term[n] < term[n])
#endif
#define LEAD(n) :: d_step { standing[n] && COUNTS_ITSELF(n) && NOBODY_LEADS(n) && VOTERS(counted[n], base_version[n]) >= 2 -> \
    assert(led_by[term[n]] == 0 || led_by[term[n]] == n + 1); /* one leader a term */ \
    led_by[term[n]] = n + 1; m_version[n] = base_version[n]; m_term[n] = term[n]; \
    LEAVE(n); leading[n] = 1; held[n] = BIT(AS(n)) }

/* A heartbeat carries term and membership; the acknowledgement says what is held. */
#define HEARTBEAT(n, m) :: d_step { leading[n] && term[m] <= term[n] && !HAS(held[n], AS(m)) -> \
    if :: term[m] < term[n] -> LEAVE(m); term[m] = term[n]; vote[m] = 0 :: else fi; \
    if :: NEWER(m_term[n], m_version[n], m_term[m], m_version[m]) -> m_term[m] = m_term[n]; m_version[m] = m_version[n] \
       :: else fi; \
    if :: m_term[m] == m_term[n] && m_version[m] == m_version[n] -> held[n] = held[n] | BIT(AS(m)) :: else fi }

#define COMMITTED(n) (VOTERS(held[n], m_version[n]) >= 2 && (previous[n] == 0 || VOTERS(held[n], previous[n]) >= 2))
/* The new incarnation of node 0 answers, and has everything. */
#define ADMIT(n) :: d_step { leading[n] && COMMITTED(n) && incarnation == NEW && m_version[n] < M_NEW && term[0] == term[n] -> \
    previous[n] = m_version[n]; m_version[n] = NEXT(m_version[n]); held[n] = BIT(AS(n)) }

#define LOSE_STATE :: d_step { incarnation == OLD -> \
    LEAVE(0); incarnation = NEW; term[0] = 0; vote[0] = 0; m_term[0] = 0; m_version[0] = 0 }

#ifdef GOAL
#define REACHED(n) :: d_step { leading[n] && m_version[n] == M_NEW && COMMITTED(n) -> assert(false) }
#else
#define REACHED(n)
#endif

#define NODE(n) STAND(n) STEP_DOWN(n) LEAD(n) ADMIT(n) REACHED(n) \
  COUNT_VOTE(n, 1) COUNT_VOTE(n, 2) COUNT_VOTE(n, OF_OLD) COUNT_VOTE(n, OF_NEW)
#define PAIR(n, m) GRANT(n, m) HEARTBEAT(n, m)

active proctype world() {
  do
  NODE(0) NODE(1) NODE(2)
  PAIR(0, 1) PAIR(0, 2) PAIR(1, 0) PAIR(1, 2) PAIR(2, 0) PAIR(2, 1)
  LOSE_STATE
  od
}
