/**
 * Rare branches that a long run of the simulator must have reached. A mark that is not in this list
 * belongs to states that the simulator does not make: rot, other versions, other members.
 */
export const REQUIRED_MARKS: readonly string[] = [
  'acknowledged write was overwritten',
  'conflicting entries cut',
  'entry of an earlier term not committed by counting',
  'forwarded proposal dropped',
  'late storage acknowledgement ignored',
  'leader without a quorum steps down',
  'message of an earlier term dropped',
  'peerLinkOfEarlierLife',
  'peerQueueUsed',
  'read acknowledgement after leader change',
  'read answer to another key',
  'read asked of a member that does not lead',
  'read queued before first commit',
  'requestVote refused by lease',
  'preVote refused by lease',
  'stuck member freed',
  'uncommitted cap reached',
  'walHeaderWithoutBatch',
  'walSegmentNeverCounted',
  'walTornTail',
];
