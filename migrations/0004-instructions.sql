-- 冲正, 补充划缴, 止付, 作废 and 单边账 (art. 35): further instructions of a ticket, the orders for them, and what contradicts the record.

-- booked_amount is written only where it is not the amount asked for. awaited: somebody waits for this one to settle; the fast way of settling
-- passes such a row by, so that whoever waits is looked after in the same transaction.
-- live: the last defence. Per ticket at most one debit that is not certainly refused (1) and one open supplementary debit (2); per original at most
-- one open reversal (its id + 2), and one that is to leave a tombstone (minus its id).
ALTER TABLE instruction
  ADD COLUMN original_id    BIGINT       NULL COMMENT 'what is reversed or supplemented',
  ADD COLUMN reason         VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'why; in-doubt: a reversal of the gateway''s own',
  ADD COLUMN booked_amount  BIGINT       NULL COMMENT 'fen that moved; NULL: as asked, or nothing',
  ADD COLUMN awaited        BOOLEAN      NOT NULL DEFAULT FALSE,
  ADD COLUMN live           BIGINT       AS (CASE
    WHEN verb = 'debit' AND state <> 'refused' THEN 1
    WHEN verb = 'supplementaryDebit' AND state NOT IN ('succeeded', 'refused') THEN 2
    WHEN verb = 'reversal' AND state NOT IN ('succeeded', 'refused') THEN IF(reason = 'in-doubt', -original_id, original_id + 2)
    ELSE NULL END) STORED,
  ADD UNIQUE KEY one_live (ticket_no, live),
  DROP KEY one_live_debit,
  DROP COLUMN live_debit,
  ADD CONSTRAINT instruction_original CHECK ((verb = 'debit') = (original_id IS NULL)),
  ADD CONSTRAINT instruction_booked CHECK (booked_amount IS NULL OR (state = 'succeeded' AND booked_amount BETWEEN 0 AND 999999999999999));

ALTER TABLE ticket
  ADD COLUMN voided_at    DATETIME(3)  NULL COMMENT '作废, art. 35(3)',
  ADD COLUMN void_reason  VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NULL;

-- What a tax system ordered beside debits, under a number of its own: the same number and content is the same order.
CREATE TABLE tax_order (
  id              BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
  tax_system      VARCHAR(80)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  kind            VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  order_no        VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  content_hash    BINARY(32)   NOT NULL,
  ticket_no       CHAR(18)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  instruction_id  BIGINT       NOT NULL COMMENT 'the instruction it made; of a stop, the one it is about',
  accepted_at     DATETIME(3)  NOT NULL,
  state           VARCHAR(12)  CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'of a stop; the others have that of their instruction',
  result_code     CHAR(5)      CHARACTER SET ascii COLLATE ascii_bin NULL,
  rule            VARCHAR(40)  CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'the rule of ours that decided, where one did',
  UNIQUE KEY once (tax_system, kind, order_no),
  KEY in_order (tax_system, kind, id),
  KEY by_instruction (instruction_id),
  CONSTRAINT tax_order_kind CHECK (kind IN ('supplementaryDebit', 'reversal', 'stop')),
  CONSTRAINT tax_order_state CHECK ((kind = 'stop') = (state IS NOT NULL) AND state IN ('succeeded', 'refused'))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- 单边账: the record and the bank differ. A settled state is never overwritten; the difference stands here until it is remedied.
CREATE TABLE break (
  id              BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
  at              DATETIME(3)  NOT NULL,
  ticket_no       CHAR(18)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  instruction_id  BIGINT       NOT NULL,
  kind            VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  source          VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tax_amount      BIGINT       NOT NULL COMMENT 'fen, as the record has it',
  bank_amount     BIGINT       NOT NULL COMMENT 'fen, as the bank has it',
  reason          VARCHAR(200) NOT NULL,
  closed_at       DATETIME(3)  NULL,
  closed_by       BIGINT       NULL COMMENT 'the instruction that remedied it, or failed to',
  is_open         TINYINT      AS (IF(closed_at IS NULL, 1, NULL)) STORED,
  UNIQUE KEY once (instruction_id, kind, source, is_open),
  KEY by_ticket (ticket_no),
  CONSTRAINT break_kind CHECK (kind IN ('bank-only', 'bank-missing', 'under-debited', 'over-debited')),
  CONSTRAINT break_source CHECK (source IN ('late-answer', 'inquiry', 'resolution', 'file')),
  CONSTRAINT break_differs CHECK (tax_amount <> bank_amount),
  CONSTRAINT break_closed CHECK ((closed_at IS NULL) = (closed_by IS NULL))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER break_no_delete BEFORE DELETE ON break FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a break is closed, never removed';

-- Answers that came when nobody waited any more: evidence beside the attempts. The same words are kept once.
CREATE TABLE late_answer (
  instruction_id   BIGINT       NOT NULL,
  transcript_hash  BINARY(32)   NOT NULL COMMENT 'SHA-256 of the transcript',
  at               DATETIME(3)  NOT NULL,
  result_code      CHAR(5)      CHARACTER SET ascii COLLATE ascii_bin NULL,
  transcript       TEXT         NOT NULL COMMENT 'the reply with private fields masked, and SHA-256 of the bytes',
  PRIMARY KEY (instruction_id, transcript_hash)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The latest accounting date (会计日期) each bank was seen to be at work on.
CREATE TABLE bank_day (
  bank_code        VARCHAR(4)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  accounting_date  DATE         NOT NULL,
  seen_at          DATETIME(3)  NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
