"""The contract's limits that a plugin has to know."""

PAYLOAD_BYTES = 960 * 1024
NAME_BYTES = 256
TEXT_BYTES = 4_096
CREDIT_MESSAGES = 256
CREDIT_BYTES = 4 * 1024 * 1024
BATCH_ITEMS = 1_024
