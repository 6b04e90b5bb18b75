-- 重新填开 (art. 21): the first new ticket stands for money that was debited. No debit is made of its number, whichever of the two comes first; each looks for
-- the other when it stands there itself, so that of two at one moment the second sees the first. What refuses such an order is written like any refusal.

CREATE TRIGGER instruction_not_paid_before AFTER INSERT ON instruction FOR EACH ROW BEGIN
  DECLARE found INT DEFAULT 0;
  IF NEW.verb = 'debit' AND NEW.settled_at IS NULL THEN
    SELECT COUNT(*) INTO found FROM ticket_reissue r WHERE r.new_ticket_no = NEW.ticket_no AND r.number = 1 LOCK IN SHARE MODE;
    IF found > 0 THEN
      SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'this ticket stands for money that was debited';
    END IF;
  END IF;
END;

CREATE TRIGGER ticket_reissue_is_new AFTER INSERT ON ticket_reissue FOR EACH ROW BEGIN
  DECLARE found INT DEFAULT 0;
  SELECT COUNT(*) INTO found FROM ticket t WHERE t.ticket_no = NEW.new_ticket_no LOCK IN SHARE MODE;
  IF found > 0 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a ticket of this number is there already';
  END IF;
END;
