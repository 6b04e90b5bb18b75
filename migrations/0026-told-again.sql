-- 再次告知: what a bank has refused to take is told once more when a person orders it, under a key of its own, for to the same key a bank repeats its first
-- answer; what it has not answered keeps its key. 采信: the tax systems hear of it by the feed.

ALTER TABLE bank_call
  ADD COLUMN telling       INT           NOT NULL DEFAULT 1 COMMENT '1; 2, …: told again, after the bank had refused the one before',
  ADD COLUMN ordered_by    VARCHAR(80)   CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'who had it told again',
  ADD COLUMN order_reason  VARCHAR(200)  NULL,
  DROP KEY once,
  ADD UNIQUE KEY each_once (bank_code, verb, subject, telling),
  ADD CONSTRAINT bank_call_again CHECK (telling >= 1 AND (telling = 1) = (ordered_by IS NULL) AND (telling = 1) = (order_reason IS NULL));

CREATE TRIGGER bank_call_follows BEFORE INSERT ON bank_call FOR EACH ROW BEGIN
  IF NEW.telling > 1 AND NOT EXISTS (SELECT 1 FROM bank_call c WHERE c.bank_code = NEW.bank_code AND c.verb = NEW.verb AND c.subject = NEW.subject
      AND c.telling = NEW.telling - 1 AND c.done_at IS NOT NULL AND c.result_code <> '90000') THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'only what a bank has refused is told again';
  END IF;
END;

DROP TRIGGER bank_call_frozen;

CREATE TRIGGER bank_call_frozen BEFORE UPDATE ON bank_call FOR EACH ROW BEGIN
  IF NOT (NEW.id = OLD.id AND NEW.bank_code = OLD.bank_code AND NEW.office_code = OLD.office_code AND NEW.verb = OLD.verb
      AND NEW.subject = OLD.subject AND NEW.content = OLD.content AND NEW.made_at = OLD.made_at AND NEW.telling = OLD.telling
      AND NEW.ordered_by <=> OLD.ordered_by AND NEW.order_reason <=> OLD.order_reason) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what a bank is to be told is never changed';
  END IF;
  IF OLD.serial_no IS NOT NULL AND NOT (NEW.serial_no <=> OLD.serial_no AND NEW.entrust_date <=> OLD.entrust_date) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a message keeps its key';
  END IF;
  IF OLD.done_at IS NOT NULL THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what a bank has answered is over';
  END IF;
END;

-- A notice that is told again is due before the reconciliation that follows that (art. 35(1)); nothing else of it changes.
DROP TRIGGER adjustment_notice_frozen;

CREATE TRIGGER adjustment_notice_frozen BEFORE UPDATE ON adjustment_notice FOR EACH ROW BEGIN
  IF NOT (NEW.notice_no = OLD.notice_no AND NEW.break_id = OLD.break_id AND NEW.bank_code = OLD.bank_code AND NEW.office_code = OLD.office_code
      AND NEW.issuing_office = OLD.issuing_office AND NEW.ticket_no = OLD.ticket_no AND NEW.original_date = OLD.original_date
      AND NEW.original_serial = OLD.original_serial AND NEW.bank_serial <=> OLD.bank_serial AND NEW.accounting_date = OLD.accounting_date
      AND NEW.tax_amount = OLD.tax_amount AND NEW.bank_amount = OLD.bank_amount AND NEW.amount = OLD.amount AND NEW.cause = OLD.cause
      AND NEW.issued_by = OLD.issued_by AND NEW.issued_at = OLD.issued_at AND NEW.issued_on = OLD.issued_on
      AND (NEW.due_on = OLD.due_on OR (NEW.due_on > OLD.due_on AND OLD.told_at IS NOT NULL AND NEW.told_at IS NULL AND OLD.booked_at IS NULL))) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a notice is never changed';
  END IF;
  IF OLD.booked_at IS NOT NULL AND NOT (NEW.booked_at <=> OLD.booked_at AND NEW.booked_amount <=> OLD.booked_amount
      AND NEW.booked_date <=> OLD.booked_date AND NEW.booked_serial <=> OLD.booked_serial AND NEW.booked_from <=> OLD.booked_from) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what a bank has given back is written once';
  END IF;
END;

-- 国库回执: of no day that the province has booked (art. 21).
DROP TRIGGER voucher_event_sum;

CREATE TRIGGER voucher_event_sum BEFORE INSERT ON voucher_event FOR EACH ROW BEGIN
  IF NEW.event IN ('remitted', 'received') AND NOT EXISTS (SELECT 1 FROM summary_voucher v WHERE v.summary_no = NEW.summary_no AND v.amount = NEW.amount
      AND v.amount = (SELECT SUM(l.amount) FROM summary_voucher_line l WHERE l.summary_no = NEW.summary_no)) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'nothing is received of another sum';
  END IF;
  -- Whatever is of a day that the province has booked would be in nobody's books.
  IF NEW.event = 'received' AND NEW.on_date <= (SELECT MAX(b.through) FROM province_booking b) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the province has booked the day of this receipt';
  END IF;
END;

-- Of a debit that ended as refused and was adopted there are two lines, each once.
ALTER TABLE result
  ADD COLUMN kind  VARCHAR(8)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'outcome' COMMENT 'outcome: how it ended; adoption: two persons took it for paid',
  DROP KEY once,
  ADD UNIQUE KEY once (instruction_id, kind),
  ADD CONSTRAINT result_kind CHECK (kind = 'outcome' OR (kind = 'adoption' AND state = 'succeeded'));
