-- 申报期最后一天 (art. 35(5)): what was put right of it on the next day is remitted together with the rest. The session that shows it is held of a bank day
-- that goes on; it counts for the tickets that it has shown to be right, whatever else it has found of that day.

DROP TRIGGER write_off_matched;

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
        AND (r.state = 'balanced' OR (r.state = 'differing' AND r.reason = '35(5): before the remittance of the last filing day'
          AND b.accounting_date <> NEW.accounting_date)) AND b.seq <= r.frozen_seq
        AND r.session = (SELECT MAX(l.session) FROM reconciliation l WHERE l.bank_code = r.bank_code AND l.accounting_date = r.accounting_date
          AND l.kind = 'day-end' AND l.state <> 'withdrawn'))) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'only what was matched on a balanced day is written off';
  END IF;
  IF EXISTS (SELECT 1 FROM break x WHERE x.ticket_no = NEW.ticket_no
      AND IF(x.source = 'file', x.state NOT IN ('confirmed', 'superseded'), x.closed_at IS NULL)) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'nothing is written off while a break of it is open';
  END IF;
END;
