//! How long a request may be: the bus keeps it.
use framefleet_proto::control::SubmitRequest;
use prost::Message as _;

/// Bytes of a request, at most: the bus keeps it with its job.
const MAX_REQUEST: usize = 32 << 10;

/// Refuses a request that is too long to be kept, with what to do about it.
pub fn check_request(request: &SubmitRequest) -> Result<(), String> {
    match request.encoded_len() {
        ..=MAX_REQUEST => Ok(()),
        bytes => Err(format!(
            "the request is {bytes} bytes, more than the {MAX_REQUEST} that are kept of a job: shorten the pipeline file (comments count), \
             or put long lists into files that settings name"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_is_too_long_is_refused_with_the_numbers() {
        let of = |bytes: usize| SubmitRequest { pipeline: "#".repeat(bytes), ..SubmitRequest::default() };
        assert_eq!(check_request(&of(MAX_REQUEST - 100)), Ok(()));
        let refused = check_request(&of(MAX_REQUEST)).unwrap_err();
        assert!(refused.contains("32772 bytes") && refused.contains("32768"), "{refused}");
    }
}
