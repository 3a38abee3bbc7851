import { limits } from '../limits.ts';

/** The limits of one field. A repeated field of strings has both. */
export interface FieldLimit {
  readonly bytes?: number;
  readonly items?: number;
}

const name: FieldLimit = { bytes: limits.nameBytes };
const instanceId: FieldLimit = { bytes: limits.instanceIdBytes };
const keeper: FieldLimit = { bytes: limits.keeperBytes };
const storedName: FieldLimit = { bytes: limits.storedNameBytes };
const topic: FieldLimit = { bytes: limits.topicBytes };
const key: FieldLimit = { bytes: limits.keyBytes };
const text: FieldLimit = { bytes: limits.textBytes };
const state: FieldLimit = { bytes: limits.stateBytes };
const positions: FieldLimit = { items: limits.positions };
const requested: FieldLimit = { items: limits.requestedGrants };
/** Lists that only the bus and the sidecar send. The policy determines their length, and they fit into one message. */
const asManyAsFit: FieldLimit = { items: limits.messageBytes };

/**
 * The limit of every string, bytes and repeated field of our protos, by the field's name. A name has the same meaning in each message;
 * otherwise it is prefixed by the message's name. A test fails if a field is missing here.
 */
export const fieldLimits: Readonly<Record<string, FieldLimit>> = {
  // An envelope, and the fields that it is made from.
  payload: { bytes: limits.payloadBytes },
  payload_type: name,
  message_id: name,
  correlation_id: key,
  causation_id: key,
  dedup_key: key,
  partition_key: key,
  publisher_instance_id: instanceId,
  original_publisher_instance_id: instanceId,
  topic,
  original_topic: topic,
  pattern: topic,
  dead_letter_topic: topic,
  failed_subscription: storedName,
  schema_version: { bytes: limits.schemaVersionBytes },
  traceparent: { bytes: limits.traceparentBytes },
  tracestate: { bytes: limits.tracestateBytes },

  // Identities.
  instance_id: instanceId,
  deployment_id: name,
  pool_type: name,
  role: name,
  version: name,
  client: name,
  service: name,
  decided_by: name,
  principal: name,
  image: text,
  tags: { bytes: limits.nameBytes, items: limits.tags },

  // Reflection.
  host: name,
  file_by_filename: name,
  file_containing_symbol: name,
  list_services: name,
  valid_host: name,
  file_descriptor_proto: { bytes: limits.messageBytes, items: limits.messageBytes },
  error_message: text,
  'grpc.reflection.v1.ListServiceResponse.service': asManyAsFit,

  // Subscriptions and states.
  name: storedName,
  subscription: storedName,
  'meridian.sidecar.v1.OpenSubscription.name': { bytes: limits.subscriptionNameBytes },
  group: { bytes: limits.subscriptionNameBytes },
  'meridian.bus.v1.ListSubscriptionsRequest.instance_id': keeper,
  'meridian.bus.v1.SubscriptionName.instance_id': keeper,
  'meridian.bus.v1.DropSubscriptionRequest.instance_id': keeper,
  'meridian.bus.v1.SubscriptionBacklog.instance_id': keeper,
  positions,
  in_hand: positions,
  failed: positions,
  state,
  'meridian.sidecar.v1.StateChanged.state': name,
  'meridian.bus.v1.StatusReport.state': name,
  acknowledge: { items: limits.subscriptions },
  subscriptions: asManyAsFit,
  instances: asManyAsFit,
  dead_letters: asManyAsFit,
  backlogs: asManyAsFit,
  topics: asManyAsFit,
  messages: asManyAsFit,

  // Batches and grants.
  items: { items: limits.batchItems },
  results: { items: limits.batchItems },
  requested_grants: requested,
  grants: requested,
  'meridian.bus.v1.ListGrantsReply.grants': asManyAsFit,
  granted: asManyAsFit,
  undecided: asManyAsFit,
  denied: asManyAsFit,
  publish_grants: { bytes: limits.topicBytes, items: limits.messageBytes },
  subscribe_grants: { bytes: limits.topicBytes, items: limits.messageBytes },

  // For people.
  reason: text,
  refusal_reason: text,
  detail: text,
  error_detail: text,
  failure_detail: text,
  why: text,
  needed: text,
};

/** Why a message is refused: the status, and the field, its limit and its value for a person. */
export interface LimitFault {
  readonly code: 'INVALID_ARGUMENT' | 'RESOURCE_EXHAUSTED';
  readonly message: string;
}

/** The limit of one field of one message. @throws Error if the table has none. */
export function limitOf(message: { readonly typeName: string }, field: { readonly name: string }): FieldLimit {
  const limit = fieldLimits[`${message.typeName}.${field.name}`] ?? fieldLimits[field.name];
  if (limit) return limit;
  throw new Error(`field-limits.ts has no limit for ${message.typeName}.${field.name}`);
}
