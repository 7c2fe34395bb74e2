package finding

import (
	"fmt"
	"time"
)

// Process is the subject of a finding about a process.
type Process struct {
	Type        string       `json:"type"` // "process"
	PID         int          `json:"pid"`
	Dead        bool         `json:"dead"`
	Name        string       `json:"name"`    // as the kernel has it: at most 15 bytes, which the process can change
	Command     string       `json:"command"` // its arguments, joined with blanks
	Owner       string       `json:"owner"`
	Image       *File        `json:"image,omitempty"` // its executable
	Parent      *Parent      `json:"parent_info,omitempty"`
	Created     *time.Time   `json:"created,omitempty"`
	Session     string       `json:"session,omitempty"`
	ListenPorts []uint16     `json:"listen_ports,omitempty"`
	Connections []Connection `json:"connections,omitempty"`
}

// NewProcess returns a process subject; name and command may be any bytes.
func NewProcess(pid int, name, command, owner string) *Process {
	return &Process{Type: "process", PID: pid, Name: PathText(name), Command: PathText(command), Owner: PathText(owner)}
}

// SubjectType returns "process".
func (p *Process) SubjectType() string { return "process" }

// SubjectName returns the name with the number: "nc (4711)".
func (p *Process) SubjectName() string { return fmt.Sprintf("%s (%d)", p.Name, p.PID) }

// Parent is the process that started another.
type Parent struct {
	PID     int    `json:"pid"`
	Exe     string `json:"exe"`
	Command string `json:"command"`
}

// Connection is an end of a network connection that a process holds.
type Connection struct {
	Status     string `json:"status"` // "ESTABLISHED"
	IP         string `json:"ip"`
	Port       uint16 `json:"port"`
	RemoteIP   string `json:"remote_ip"`
	RemotePort uint16 `json:"remote_port"`
	Protocol   string `json:"protocol"` // "tcp", "udp"
}

// String returns "tcp ESTABLISHED 192.0.2.1:22 198.51.100.7:4444".
func (c Connection) String() string {
	return fmt.Sprintf("%s %s %s:%d %s:%d", c.Protocol, c.Status, c.IP, c.Port, c.RemoteIP, c.RemotePort)
}
