-- 销号与入库 (art. 21, 34, 36-42): what was matched is written off, summed into vouchers, remitted and received by the treasury. Everything here is only
-- ever added; what is undone is another row. The checks and triggers hold against plain SQL too: nothing is written off that was not matched, nothing
-- twice, no voucher is anything but the sum of its tickets, nothing is received of another sum.

-- 上解销号 in batches (art. 6(3), 36): one bank day at a time; the row is the lease of whoever works on it, attempt_no the fence.
CREATE TABLE write_off_batch (
  bank_code        VARCHAR(4)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  accounting_date  DATE         NOT NULL,
  batch            INT          NOT NULL COMMENT '1, 2, … within the bank day',
  session          INT          NOT NULL COMMENT 'the balanced session that it goes by',
  work_date        DATE         NOT NULL,
  begun_at         DATETIME(3)  NOT NULL,
  attempt_no       INT          NOT NULL DEFAULT 1,
  lease_owner      VARCHAR(40)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  lease_until      DATETIME(3)  NOT NULL,
  done_at          DATETIME(3)  NULL,
  held_back        INT          NULL COMMENT 'tickets of the day that could not be written off yet: they are looked at again',
  PRIMARY KEY (bank_code, accounting_date, batch),
  CONSTRAINT write_off_batch_done CHECK ((done_at IS NULL) = (held_back IS NULL))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER write_off_batch_over BEFORE UPDATE ON write_off_batch FOR EACH ROW BEGIN
  IF OLD.done_at IS NOT NULL THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a batch that is done is over';
  END IF;
END;

CREATE TRIGGER write_off_batch_no_delete BEFORE DELETE ON write_off_batch FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a batch stays';

-- A ticket is written off once. The bank day is that of the batch: the last of those that hold anything of it.
CREATE TABLE write_off (
  ticket_no        CHAR(18)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  bank_code        VARCHAR(4)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  accounting_date  DATE         NOT NULL,
  batch            INT          NOT NULL,
  office_code      VARCHAR(12)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  treasury_code    VARCHAR(11)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  channel          VARCHAR(8)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  amount           BIGINT       NOT NULL COMMENT 'fen: what the bank has of it',
  paid_at          DATETIME(3)  NOT NULL COMMENT 'when the debit succeeded',
  work_date        DATE         NOT NULL COMMENT '上解销号日期',
  at               DATETIME(3)  NOT NULL,
  KEY by_day (bank_code, accounting_date),
  KEY by_work_date (work_date),
  CONSTRAINT write_off_of_batch FOREIGN KEY (bank_code, accounting_date, batch) REFERENCES write_off_batch (bank_code, accounting_date, batch),
  CONSTRAINT write_off_of_ticket FOREIGN KEY (ticket_no) REFERENCES ticket (ticket_no),
  CONSTRAINT write_off_amount CHECK (amount BETWEEN 1 AND 999999999999999),
  CONSTRAINT write_off_channel CHECK (channel IN ('computer', 'phone'))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Every booking of it is looked at: each has to lie before the freezing of the last day-end session of its bank day, and that has to be balanced.
CREATE TRIGGER write_off_matched BEFORE INSERT ON write_off FOR EACH ROW BEGIN
  IF NOT EXISTS (SELECT 1 FROM ticket t WHERE t.ticket_no = NEW.ticket_no AND t.voided_at IS NULL AND t.bank_code = NEW.bank_code
      AND t.office_code = NEW.office_code AND NEW.amount <= t.amount) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'only what stands of a ticket is written off';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM booking b WHERE b.ticket_no = NEW.ticket_no AND b.accounting_date = NEW.accounting_date AND b.treasury_code = NEW.treasury_code) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'only what was booked on the day is written off';
  END IF;
  IF EXISTS (SELECT 1 FROM booking b WHERE b.ticket_no = NEW.ticket_no AND NOT EXISTS (
      SELECT 1 FROM reconciliation r WHERE r.bank_code = b.bank_code AND r.accounting_date = b.accounting_date AND r.kind = 'day-end'
        AND r.state = 'balanced' AND b.seq <= r.frozen_seq
        AND r.session = (SELECT MAX(l.session) FROM reconciliation l WHERE l.bank_code = r.bank_code AND l.accounting_date = r.accounting_date
          AND l.kind = 'day-end' AND l.state <> 'withdrawn'))) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'only what was matched on a balanced day is written off';
  END IF;
  IF EXISTS (SELECT 1 FROM break x WHERE x.ticket_no = NEW.ticket_no
      AND IF(x.source = 'file', x.state NOT IN ('confirmed', 'superseded'), x.closed_at IS NULL)) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'nothing is written off while a break of it is open';
  END IF;
END;

CREATE TRIGGER write_off_no_update BEFORE UPDATE ON write_off FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a write-off is never changed';

CREATE TRIGGER write_off_no_delete BEFORE DELETE ON write_off FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a write-off is never deleted';

-- 汇总的《电子缴税划款入库凭证》 (art. 37). The tickets come first, then the voucher that is their sum; afterwards none is added.
CREATE TABLE summary_voucher_line (
  ticket_no   CHAR(18)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY COMMENT 'a ticket stands in one voucher',
  summary_no  VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  amount      BIGINT       NOT NULL,
  KEY by_voucher (summary_no),
  CONSTRAINT summary_voucher_line_written_off FOREIGN KEY (ticket_no) REFERENCES write_off (ticket_no)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE summary_voucher (
  id               BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
  summary_no       VARCHAR(20)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT '汇总流水号',
  office_code      VARCHAR(12)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT '征收机关',
  numbered_on      DATE          NOT NULL,
  number           INT           NOT NULL COMMENT '1, 2, … of this office and day',
  treasury_code    VARCHAR(11)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  clearing_no      VARCHAR(12)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  bank_code        VARCHAR(4)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  lead_branch      VARCHAR(60)   NOT NULL COMMENT '主办行, as it was in force',
  account          VARCHAR(32)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT '报解专户, as it was in force',
  accounting_date  DATE          NOT NULL,
  work_date        DATE          NOT NULL COMMENT 'the day of its deadline',
  tickets          INT           NOT NULL,
  amount           BIGINT        NOT NULL,
  deadline         DATETIME(3)   NOT NULL COMMENT '16:00 in the province',
  made_at          DATETIME(3)   NOT NULL,
  UNIQUE KEY one_number (summary_no),
  UNIQUE KEY in_order (office_code, numbered_on, number),
  KEY by_day (bank_code, accounting_date),
  KEY by_work_date (work_date),
  CONSTRAINT summary_voucher_amount CHECK (amount BETWEEN 1 AND 999999999999999),
  CONSTRAINT summary_voucher_tickets CHECK (tickets >= 1),
  CONSTRAINT summary_voucher_time CHECK (deadline > made_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER summary_voucher_line_first BEFORE INSERT ON summary_voucher_line FOR EACH ROW BEGIN
  IF EXISTS (SELECT 1 FROM summary_voucher v WHERE v.summary_no = NEW.summary_no) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'nothing is added to a voucher';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM write_off w WHERE w.ticket_no = NEW.ticket_no AND w.amount = NEW.amount) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a voucher holds what was written off';
  END IF;
END;

CREATE TRIGGER summary_voucher_line_no_update BEFORE UPDATE ON summary_voucher_line FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a voucher is never changed';

CREATE TRIGGER summary_voucher_line_no_delete BEFORE DELETE ON summary_voucher_line FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a voucher is never changed';

CREATE TRIGGER summary_voucher_sum BEFORE INSERT ON summary_voucher FOR EACH ROW BEGIN
  IF NOT EXISTS (SELECT 1 FROM summary_voucher_line l JOIN write_off w ON w.ticket_no = l.ticket_no WHERE l.summary_no = NEW.summary_no
      HAVING SUM(l.amount) = NEW.amount AND COUNT(*) = NEW.tickets
        AND SUM(w.office_code = NEW.office_code AND w.treasury_code = NEW.treasury_code AND w.bank_code = NEW.bank_code
          AND w.accounting_date = NEW.accounting_date) = NEW.tickets) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a voucher is the sum of its tickets';
  END IF;
END;

CREATE TRIGGER summary_voucher_no_update BEFORE UPDATE ON summary_voucher FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a voucher is never changed';

CREATE TRIGGER summary_voucher_no_delete BEFORE DELETE ON summary_voucher FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a voucher is never deleted';

-- What happened to a voucher: told, remitted (art. 37), received (art. 38-39: 入库销号 of all its tickets); the alarms of its deadline; what was said of it
-- and differs. Of the former each happens once.
CREATE TABLE voucher_event (
  id          BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
  summary_no  VARCHAR(20)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  event       VARCHAR(16)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  amount      BIGINT        NULL COMMENT 'fen, as it was said',
  on_date     DATE          NULL COMMENT 'of the remittance, of the entry',
  actor       VARCHAR(80)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'the bank, the person, the process',
  bank_serial VARCHAR(20)   CHARACTER SET ascii COLLATE ascii_bin NULL,
  rule        VARCHAR(40)   CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'how what was said differs; the code of a refusal',
  at          DATETIME(3)   NOT NULL,
  once        VARCHAR(16)   CHARACTER SET ascii COLLATE ascii_bin AS (IF(event IN ('differs', 'refused'), NULL, event)) STORED,
  UNIQUE KEY each_once (summary_no, once),
  KEY by_entry (event, on_date),
  CONSTRAINT voucher_event_of FOREIGN KEY (summary_no) REFERENCES summary_voucher (summary_no),
  CONSTRAINT voucher_event_kind CHECK (event IN ('told', 'refused', 'remitted', 'received', 'differs', 'due-soon', 'due-urgent', 'overdue')),
  CONSTRAINT voucher_event_said CHECK (event NOT IN ('remitted', 'received') OR (amount IS NOT NULL AND on_date IS NOT NULL)),
  CONSTRAINT voucher_event_rule CHECK ((event IN ('differs', 'refused')) = (rule IS NOT NULL))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER voucher_event_sum BEFORE INSERT ON voucher_event FOR EACH ROW BEGIN
  IF NEW.event IN ('remitted', 'received') AND NOT EXISTS (SELECT 1 FROM summary_voucher v WHERE v.summary_no = NEW.summary_no AND v.amount = NEW.amount
      AND v.amount = (SELECT SUM(l.amount) FROM summary_voucher_line l WHERE l.summary_no = NEW.summary_no)) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'nothing is received of another sum';
  END IF;
END;

CREATE TRIGGER voucher_event_no_update BEFORE UPDATE ON voucher_event FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what happened is never changed';

CREATE TRIGGER voucher_event_no_delete BEFORE DELETE ON voucher_event FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what happened is never deleted';

-- 省局记账 (art. 21): all that was entered on or before this day is booked by the province, and is not undone any more.
CREATE TABLE province_booking (
  through      DATE         NOT NULL PRIMARY KEY,
  proposal_id  BIGINT       NOT NULL,
  at           DATETIME(3)  NOT NULL,
  UNIQUE KEY one_proposal (proposal_id),
  CONSTRAINT province_booking_proposal FOREIGN KEY (proposal_id) REFERENCES proposal (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER province_booking_begins BEFORE INSERT ON province_booking FOR EACH ROW BEGIN
  IF NOT EXISTS (SELECT 1 FROM proposal p WHERE p.id = NEW.proposal_id AND p.kind = 'close-books' AND p.state = 'approved') THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the books are closed by two persons';
  END IF;
  IF EXISTS (SELECT 1 FROM province_booking b WHERE b.through >= NEW.through) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'books that are closed stay closed';
  END IF;
END;

CREATE TRIGGER province_booking_no_update BEFORE UPDATE ON province_booking FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'books that are closed stay closed';

CREATE TRIGGER province_booking_no_delete BEFORE DELETE ON province_booking FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'books that are closed stay closed';

-- 撤销入库销号和上解销号 (art. 21), by two persons.
CREATE TABLE write_off_undo (
  ticket_no    CHAR(18)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  proposal_id  BIGINT        NOT NULL,
  cause        VARCHAR(20)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reason       VARCHAR(200)  NOT NULL,
  at           DATETIME(3)   NOT NULL,
  UNIQUE KEY one_proposal (proposal_id),
  CONSTRAINT write_off_undo_of FOREIGN KEY (ticket_no) REFERENCES write_off (ticket_no),
  CONSTRAINT write_off_undo_proposal FOREIGN KEY (proposal_id) REFERENCES proposal (id),
  CONSTRAINT write_off_undo_cause CHECK (cause IN ('particulars-wrong', 'too-much', 'too-little'))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER write_off_undo_begins BEFORE INSERT ON write_off_undo FOR EACH ROW BEGIN
  IF NOT EXISTS (SELECT 1 FROM proposal p WHERE p.id = NEW.proposal_id AND p.kind = 'undo-write-off' AND p.subject = NEW.ticket_no AND p.state = 'approved') THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a write-off is undone by two persons';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM summary_voucher_line l JOIN voucher_event e ON e.summary_no = l.summary_no AND e.event = 'received'
      WHERE l.ticket_no = NEW.ticket_no AND e.on_date > COALESCE((SELECT MAX(b.through) FROM province_booking b), '1000-01-01')) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'only what was received and is not booked by the province is undone';
  END IF;
  IF EXISTS (SELECT 1 FROM certificate c WHERE c.ticket_no = NEW.ticket_no) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what was exchanged is not undone';
  END IF;
END;

CREATE TRIGGER write_off_undo_no_update BEFORE UPDATE ON write_off_undo FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what was undone stays undone';

CREATE TRIGGER write_off_undo_no_delete BEFORE DELETE ON write_off_undo FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what was undone stays undone';

-- 重新填开的税票 (art. 21): the old ticket is void, the first new one stands for its money, with the dates of the old one.
CREATE TABLE ticket_reissue (
  new_ticket_no  VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY COMMENT '机器税票号码',
  ticket_no      CHAR(18)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'the one that was undone',
  number         INT          NOT NULL COMMENT '1: of the amount that was debited; 2: the rest',
  amount         BIGINT       NOT NULL,
  printed_no     CHAR(9)      CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT '印刷税票号码: the last nine digits of the old number; of the first',
  remitted_on    DATE         NULL COMMENT '上解日期, that of the old one; of the first',
  entered_on     DATE         NULL COMMENT '入库日期, that of the old one; of the first',
  proposal_id    BIGINT       NOT NULL,
  at             DATETIME(3)  NOT NULL,
  UNIQUE KEY once (ticket_no, number),
  CONSTRAINT ticket_reissue_of FOREIGN KEY (ticket_no) REFERENCES write_off_undo (ticket_no),
  CONSTRAINT ticket_reissue_proposal FOREIGN KEY (proposal_id) REFERENCES proposal (id),
  CONSTRAINT ticket_reissue_first CHECK (number IN (1, 2) AND (number = 1) = (printed_no IS NOT NULL) AND (number = 1) = (entered_on IS NOT NULL)
    AND (number = 1) = (remitted_on IS NOT NULL) AND (printed_no IS NULL OR printed_no = RIGHT(ticket_no, 9)))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER ticket_reissue_begins BEFORE INSERT ON ticket_reissue FOR EACH ROW BEGIN
  IF NOT EXISTS (SELECT 1 FROM proposal p WHERE p.id = NEW.proposal_id AND p.kind = 'reissue-ticket' AND p.subject = NEW.ticket_no AND p.state = 'approved') THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a ticket is issued anew by two persons';
  END IF;
  IF NEW.number = 1 AND NOT EXISTS (SELECT 1 FROM write_off w WHERE w.ticket_no = NEW.ticket_no AND w.amount = NEW.amount) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the first new ticket stands for the money that was debited';
  END IF;
END;

CREATE TRIGGER ticket_reissue_no_update BEFORE UPDATE ON ticket_reissue FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a ticket that was issued anew stays';

CREATE TRIGGER ticket_reissue_no_delete BEFORE DELETE ON ticket_reissue FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a ticket that was issued anew stays';

-- 金库日报表 (art. 6(3)): what a treasury says it has entered on a day; a later version takes the place of the one before.
CREATE TABLE treasury_report (
  treasury_code  VARCHAR(11)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  report_date    DATE         NOT NULL,
  version        INT          NOT NULL,
  vouchers       INT          NOT NULL,
  amount         BIGINT       NOT NULL,
  content        MEDIUMTEXT   NULL COMMENT 'JSON: number and amount of each voucher, where the report lists them',
  entered_by     VARCHAR(80)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  at             DATETIME(3)  NOT NULL,
  PRIMARY KEY (treasury_code, report_date, version),
  CONSTRAINT treasury_report_amount CHECK (amount BETWEEN 0 AND 999999999999999 AND vouchers >= 0)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER treasury_report_no_update BEFORE UPDATE ON treasury_report FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a report is never changed';

CREATE TRIGGER treasury_report_no_delete BEFORE DELETE ON treasury_report FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a report is never deleted';

-- 委托缴纳税款专用凭证 (art. 34): its data leave for the bank 24 hours after the debit, once.
CREATE TABLE payment_voucher (
  ticket_no    CHAR(18)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  summary_no   VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  bank_code    VARCHAR(4)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  paid_at      DATETIME(3)  NOT NULL,
  due_at       DATETIME(3)  NOT NULL,
  released_at  DATETIME(3)  NULL,
  withheld_at  DATETIME(3)  NULL COMMENT 'the ticket was undone or void by then',
  open         TINYINT      AS (IF(released_at IS NULL AND withheld_at IS NULL, 1, NULL)) STORED,
  KEY due (open, due_at),
  CONSTRAINT payment_voucher_of FOREIGN KEY (ticket_no) REFERENCES summary_voucher_line (ticket_no),
  CONSTRAINT payment_voucher_day CHECK (due_at >= paid_at + INTERVAL 24 HOUR),
  CONSTRAINT payment_voucher_release CHECK (released_at IS NULL OR (released_at >= due_at AND withheld_at IS NULL))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER payment_voucher_once BEFORE UPDATE ON payment_voucher FOR EACH ROW BEGIN
  IF OLD.released_at IS NOT NULL OR OLD.withheld_at IS NOT NULL OR NOT (NEW.ticket_no = OLD.ticket_no AND NEW.summary_no = OLD.summary_no
      AND NEW.bank_code = OLD.bank_code AND NEW.paid_at = OLD.paid_at AND NEW.due_at = OLD.due_at) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a payment voucher is released once';
  END IF;
END;

CREATE TRIGGER payment_voucher_no_delete BEFORE DELETE ON payment_voucher FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a payment voucher stays';

-- What happened to it: printed by the bank, printed again, asked for again by the tax side; a print that contradicts what went before.
CREATE TABLE payment_voucher_event (
  ticket_no  CHAR(18)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number     INT          NOT NULL,
  event      VARCHAR(16)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  copies     INT          NULL,
  on_date    DATE         NOT NULL,
  actor      VARCHAR(80)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  rule       VARCHAR(40)  CHARACTER SET ascii COLLATE ascii_bin NULL,
  at         DATETIME(3)  NOT NULL,
  PRIMARY KEY (ticket_no, number),
  CONSTRAINT payment_voucher_event_of FOREIGN KEY (ticket_no) REFERENCES payment_voucher (ticket_no),
  CONSTRAINT payment_voucher_event_kind CHECK (event IN ('printed', 'reprinted', 'resent', 'differs')),
  CONSTRAINT payment_voucher_event_rule CHECK ((event = 'differs') = (rule IS NOT NULL))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER payment_voucher_event_no_update BEFORE UPDATE ON payment_voucher_event FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what happened is never changed';

CREATE TRIGGER payment_voucher_event_no_delete BEFORE DELETE ON payment_voucher_event FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what happened is never deleted';

-- 税收转账专用完税证: 换票 (art. 40) is the first of a ticket, once; what takes the place of a lost one (art. 41) follows.
CREATE TABLE certificate (
  ticket_no       CHAR(18)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number          INT           NOT NULL COMMENT '1: exchanged; 2, …: for one that was lost',
  certificate_no  VARCHAR(20)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  replaces_no     VARCHAR(20)   CHARACTER SET ascii COLLATE ascii_bin NULL,
  reason          VARCHAR(200)  NOT NULL COMMENT '备注栏, as it is printed',
  issued_on       DATE          NOT NULL,
  issued_by       VARCHAR(80)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  at              DATETIME(3)   NOT NULL,
  PRIMARY KEY (ticket_no, number),
  UNIQUE KEY one_number (certificate_no),
  CONSTRAINT certificate_of FOREIGN KEY (ticket_no) REFERENCES summary_voucher_line (ticket_no),
  CONSTRAINT certificate_first CHECK ((number = 1) = (replaces_no IS NULL) AND number >= 1)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER certificate_follows BEFORE INSERT ON certificate FOR EACH ROW BEGIN
  IF NEW.number = 1 AND NOT EXISTS (SELECT 1 FROM summary_voucher_line l JOIN voucher_event e ON e.summary_no = l.summary_no AND e.event = 'received'
      WHERE l.ticket_no = NEW.ticket_no AND NOT EXISTS (SELECT 1 FROM write_off_undo u WHERE u.ticket_no = NEW.ticket_no)) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'only what was received is exchanged';
  END IF;
  IF NEW.number > 1 AND NOT EXISTS (SELECT 1 FROM certificate c WHERE c.ticket_no = NEW.ticket_no AND c.number = NEW.number - 1
      AND c.certificate_no = NEW.replaces_no) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a certificate takes the place of the last';
  END IF;
END;

CREATE TRIGGER certificate_no_update BEFORE UPDATE ON certificate FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a certificate is never changed';

CREATE TRIGGER certificate_no_delete BEFORE DELETE ON certificate FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a certificate is never deleted';

-- 代征手续费 (art. 42). Which households are under 定期定额 only the tax side knows: where it says so, its ticket keeps it.
ALTER TABLE ticket
  ADD COLUMN fixed_quota  BOOLEAN  NULL COMMENT '定期定额, as the order said; NULL: it said nothing';

CREATE TABLE fee (
  ticket_no  CHAR(18)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  bank_code  VARCHAR(4)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  month      CHAR(7)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  amount     BIGINT       NOT NULL,
  at         DATETIME(3)  NOT NULL,
  KEY by_month (month, bank_code),
  CONSTRAINT fee_of FOREIGN KEY (ticket_no) REFERENCES write_off (ticket_no),
  CONSTRAINT fee_amount CHECK (amount = 100)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE fee_statement (
  bank_code  VARCHAR(4)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  month      CHAR(7)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tickets    INT          NOT NULL,
  amount     BIGINT       NOT NULL,
  at         DATETIME(3)  NOT NULL,
  PRIMARY KEY (bank_code, month)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A fee is of a phone filer under 定期定额, and of a month whose statement was not sent.
CREATE TRIGGER fee_due BEFORE INSERT ON fee FOR EACH ROW BEGIN
  IF NOT EXISTS (SELECT 1 FROM write_off w JOIN ticket t ON t.ticket_no = w.ticket_no
      WHERE w.ticket_no = NEW.ticket_no AND w.bank_code = NEW.bank_code AND w.channel = 'phone' AND t.fixed_quota = 1 AND w.amount = t.amount) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a fee is of a matched debit by phone under a fixed quota';
  END IF;
  IF EXISTS (SELECT 1 FROM fee_statement s WHERE s.bank_code = NEW.bank_code AND s.month = NEW.month) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the statement of this month was sent';
  END IF;
END;

CREATE TRIGGER fee_no_update BEFORE UPDATE ON fee FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a fee is never changed';

CREATE TRIGGER fee_no_delete BEFORE DELETE ON fee FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a fee is never deleted';

CREATE TRIGGER fee_statement_sum BEFORE INSERT ON fee_statement FOR EACH ROW BEGIN
  IF NOT EXISTS (SELECT 1 FROM fee f WHERE f.bank_code = NEW.bank_code AND f.month = NEW.month
      HAVING COUNT(*) = NEW.tickets AND COALESCE(SUM(f.amount), 0) = NEW.amount) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a statement is the sum of its fees';
  END IF;
END;

CREATE TRIGGER fee_statement_no_update BEFORE UPDATE ON fee_statement FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a statement is never changed';

CREATE TRIGGER fee_statement_no_delete BEFORE DELETE ON fee_statement FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a statement is never deleted';
